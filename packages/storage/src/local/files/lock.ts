import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { StorageError } from '../../contract.ts'
import { nodeFileSystem } from './file-system.ts'

/*
 * One process owns a data directory. The file LOCK says which: its pid and, where /proc tells, when that process started, so that
 * another process which got the same pid later is not taken for it. A lock whose process is gone (kill -9, power loss) is
 * taken over, under a second file so that only one of several newcomers does it.
 */
interface Owner {
  readonly pid: number
  /** Clock ticks since boot, and the boot: from /proc. */
  readonly started: string | undefined
}

const held = new Set<string>()
/** Writing a lock and taking one over are a few system calls; what is half done and older than this was interrupted. */
const INTERRUPTED_MS = 10_000

/** Takes the directory, or throws StorageError `locked`. The result gives it back; it may be called twice. */
export function lockDirectory(directory: string): () => void {
  const path = resolve(directory)
  const file = join(path, 'LOCK')
  if (held.has(path)) throw lockedBy(path, process.pid)
  nodeFileSystem.makeDirectory(path)
  if (!create(file)) takeOver(path, file)
  held.add(path)
  return () => {
    if (held.delete(path)) rmSync(file, { force: true })
  }
}

function takeOver(path: string, file: string): void {
  const guard = `${file}.takeover`
  if (!create(guard)) {
    if (isRecent(guard)) throw lockedBy(path, readOwner(guard)?.pid)
    rmSync(guard, { force: true })
    if (!create(guard)) throw lockedBy(path, readOwner(guard)?.pid)
  }
  try {
    const owner = readOwner(file)
    if (owner ? isAlive(owner) : isRecent(file)) throw lockedBy(path, owner?.pid)
    rmSync(file, { force: true })
    if (!create(file)) throw lockedBy(path, readOwner(file)?.pid)
  } finally {
    rmSync(guard, { force: true })
  }
}

function create(file: string): boolean {
  const owner: Owner = { pid: process.pid, started: startOf(process.pid) }
  try {
    writeFileSync(file, JSON.stringify(owner), { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Undefined when the file is gone, or torn by a crash while it was written. */
function readOwner(file: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Owner
  } catch {
    return undefined
  }
}

function isAlive(owner: Owner): boolean {
  if (owner.pid === process.pid) return false // What this process holds is in `held`; an earlier one had the same pid.
  try {
    process.kill(owner.pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  const started = startOf(owner.pid)
  return started === undefined || owner.started === undefined || started === owner.started
}

function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is the program's name in brackets and may hold anything; the start is the 20th after it.
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${ticks} ${boot}`
  } catch {
    return undefined
  }
}

/** Whether somebody may be just writing it. */
function isRecent(file: string): boolean {
  try {
    return Date.now() - statSync(file).mtimeMs < INTERRUPTED_MS
  } catch {
    return false
  }
}

function lockedBy(path: string, pid: number | undefined): StorageError {
  const who = pid === undefined ? 'another process' : `process ${pid}`
  return new StorageError('locked', `${path} is in use by ${who}; stop it, or choose another data directory`)
}
