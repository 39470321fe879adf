import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type * as sqlite from 'node:sqlite'
import { StorageError } from '../../contract.ts'

/*
 * One process owns a data directory, and the kernel says which: SQLite, which comes with Node, holds an exclusive transaction on the
 * empty file `lock.db`, and with it a byte-range lock of the operating system (fcntl on Unix, LockFileEx on Windows). It is held across
 * pid and mount namespaces, ends with the process however that ends, and nothing is ever written: neither to the file nor beside it.
 *
 * By POSIX a process loses its lock on a file as soon as it closes *any* descriptor of that file. So nothing in a process that may own
 * the directory may open `lock.db` (a backup leaves it out; `stat` and a listing are harmless), and it must not be deleted: who deletes
 * it lets the next one in.
 *
 * Over NFS the lock is as good as the server's: version 4 locks between hosts, and frees the lock of a host that is gone after its
 * lease (some 90 s); version 3 needs lockd on both sides; a mount with `nolock` or `local_lock=all` locks within one host only. Where a
 * file system knows no locks, the directory is not opened.
 *
 * The file OWNER tells people who has the directory. It is written when there is room and believed by nobody but the error's text.
 */
const LOCK_FILE = 'lock.db'
const OWNER_FILE = 'OWNER'
/** What a directory of format 1 was locked with: a file that said who, and one under which a dead owner's was taken over. */
const OLD_LOCK_FILES = ['LOCK', 'LOCK.takeover']

/** Whether a file with this name belongs to the lock, of this or an earlier format. */
export function isOfLock(name: string): boolean {
  return name === LOCK_FILE || name === OWNER_FILE || OLD_LOCK_FILES.includes(name)
}

/** Two newcomers can be in each other's way for a moment, though nobody has the lock. */
const BUSY_MS = 100
const SQLITE_BUSY = 5
const SQLITE_READONLY = 8
const SQLITE_NOTADB = 26
/** Longer paths SQLite does not take, in bytes. */
const MAX_PATH_BYTES = 500

/** By the directory's path. Also keeps the connection from being collected, which would end the lock. */
const held = new Map<string, sqlite.DatabaseSync>()

/**
 * Takes the directory, which is made when missing. The result gives it back; it may be called twice. Works on a full disk where `lock.db`
 * is there. Throws StorageError `locked` when another process, thread or store has it; `disk_full` or `io` when `lock.db` cannot be made
 * or, on a file system that is mounted read-only, not be locked.
 */
export function lockDirectory(directory: string): () => void {
  const path = resolve(directory)
  if (held.has(path)) throw lockedBy(path, readOwner(path))
  try {
    makeDirectory(path)
  } catch (error) {
    throw cannotLock(path, error)
  }
  const lock = takeLock(path)
  try {
    endOldLock(path)
  } catch (error) {
    lock.close()
    throw error
  }
  held.set(path, lock)
  writeOwner(path)
  return () => {
    if (held.get(path) !== lock) return
    held.delete(path)
    try {
      rmSync(join(path, OWNER_FILE), { force: true })
    } catch {
      // It is believed by nobody.
    }
    lock.close()
  }
}

function takeLock(path: string): sqlite.DatabaseSync {
  const { DatabaseSync } = loadSqlite()
  const file = join(path, LOCK_FILE)
  for (let mended = false; ; mended = true) {
    let lock: sqlite.DatabaseSync | undefined
    try {
      lock = new DatabaseSync(file)
      // The change is never committed and stays in memory. It finds out whether the file can be written to: one that cannot is locked
      // against writers only, and several could have it at once.
      lock.exec(
        `PRAGMA busy_timeout = ${BUSY_MS}; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE; PRAGMA user_version = 1`,
      )
      return lock
    } catch (error) {
      lock?.close()
      // The low byte; the rest tells more of the same.
      const code = (Number((error as { errcode?: unknown }).errcode) || 0) & 0xff
      if (code === SQLITE_BUSY) throw lockedBy(path, readOwner(path))
      if (mended || !mend(file, code)) throw cannotLock(path, error)
    }
  }
}

/** Makes a file that cannot be locked into one that can, where that is ours to do. Nobody has it: who had would have been told of first. */
function mend(file: string, code: number): boolean {
  try {
    if (code === SQLITE_NOTADB) truncateSync(file)
    else if (code === SQLITE_READONLY) chmodSync(file, 0o644)
    else return false
    return true
  } catch {
    return false
  }
}

/** The module, without the warning that some versions of Node give for it; all other warnings pass. */
function loadSqlite(): Pick<typeof sqlite, 'DatabaseSync'> {
  const emitWarning = Reflect.get(process, 'emitWarning') as (...args: unknown[]) => void
  const quiet = (...args: unknown[]): void => {
    if (!String(args[0]).startsWith('SQLite is an experimental feature')) emitWarning.apply(process, args)
  }
  Reflect.set(process, 'emitWarning', quiet)
  try {
    const found: typeof sqlite | undefined = process.getBuiltinModule('node:sqlite')
    if (found) return found
  } finally {
    Reflect.set(process, 'emitWarning', emitWarning)
  }
  throw new StorageError(
    'io',
    `this Node.js ${process.version} was built without SQLite, which locks the data directory`,
  )
}

/** One level at a time: asked for all at once, Node never returns on a file system such as /proc that makes no directories. */
function makeDirectory(path: string): void {
  try {
    mkdirSync(path)
  } catch (error) {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw error
    makeDirectory(dirname(path))
    mkdirSync(path)
  }
}

/**
 * A Spoor of format 1 holds the directory by its file LOCK alone. One that is still running has it; of one that is gone the files are
 * removed. Where /proc tells when a process started, another one that got the same pid is not taken for it.
 */
function endOldLock(path: string): void {
  const owner = readJson(join(path, OLD_LOCK_FILES[0]!))
  const pid = owner?.['pid']
  if (typeof pid === 'number' && isAlive(pid, owner?.['started'])) {
    throw new StorageError(
      'locked',
      `${path} is in use by process ${pid}, an earlier version of Spoor; stop it, or choose another data directory`,
    )
  }
  for (const name of OLD_LOCK_FILES) {
    try {
      rmSync(join(path, name), { force: true })
    } catch {
      // Who wrote it is gone; it is in nobody's way.
    }
  }
}

function isAlive(pid: number, started: unknown): boolean {
  const start = startOf(pid)
  if (start !== undefined && typeof started === 'string') return start === started
  if (pid === process.pid) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Clock ticks since boot, and the boot. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is the program's name in brackets and may hold anything; the start is the 20th after it.
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
    return `${ticks} ${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}`
  } catch {
    return undefined
  }
}

interface Owner {
  readonly pid: number
  readonly host: string
  /** ISO 8601. */
  readonly since: string
}

function writeOwner(path: string): void {
  const file = join(path, OWNER_FILE)
  const owner: Owner = { pid: process.pid, host: hostname(), since: new Date().toISOString() }
  try {
    writeFileSync(file, `${JSON.stringify(owner)}\n`)
  } catch {
    try {
      rmSync(file, { force: true }) // Rather none than the one before.
    } catch {
      // The error of who comes later may name an owner who is gone.
    }
  }
}

function readOwner(path: string): Owner | undefined {
  const owner = readJson(join(path, OWNER_FILE))
  const pid = owner?.['pid']
  return typeof pid === 'number' ? { pid, host: String(owner?.['host']), since: String(owner?.['since']) } : undefined
}

function readJson(file: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'))
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

function lockedBy(path: string, owner: Owner | undefined): StorageError {
  const who = owner ? `process ${owner.pid} on ${owner.host} (since ${owner.since})` : 'another process'
  return new StorageError('locked', `${path} is in use by ${who}; stop it, or choose another data directory`)
}

/** SQLite does not tell why it could not open the file: making another one beside it does. */
function cannotLock(path: string, cause: unknown): StorageError {
  if (cause instanceof StorageError) return cause
  let reason = cause as NodeJS.ErrnoException
  const probe = join(path, `${LOCK_FILE}.${process.pid}`)
  try {
    writeFileSync(probe, '')
    rmSync(probe, { force: true })
    if (Buffer.byteLength(path) > MAX_PATH_BYTES) reason = new Error('its path is too long; at most 500 bytes')
  } catch (error) {
    reason = error as NodeJS.ErrnoException
  }
  const full = reason.code === 'ENOSPC' || reason.code === 'EDQUOT'
  return new StorageError(
    full ? 'disk_full' : 'io',
    `${path} cannot be locked with ${LOCK_FILE}: ${reason.message}; ${full ? 'free some space' : 'make it writable'}, or choose another data directory`,
    { cause },
  )
}
