import { basename, dirname } from 'node:path'
import type { File, FileSystem, OpenMode } from '../local/files/file-system.ts'
import type { Random } from './random.ts'
import { Directory, Inode } from './simulated-disk.ts'

/** How the disk behaves at the moment. Shares are probabilities per call. */
export interface DiskFaults {
  /** Of reads and writes that do less than they were asked for. */
  shortShare: number
  /** Of calls of each kind that fail with EIO. */
  readErrorShare: number
  writeErrorShare: number
  syncErrorShare: number
  /** Bytes of all files beyond which writing fails with ENOSPC. */
  quotaBytes: number
  /** How long a sync takes, usually, in milliseconds. */
  syncMs: number
  /** Syncs hang: they end only when this is undefined again, or when the machine is cut. */
  syncHangs: boolean
}

export function healthyDisk(): DiskFaults {
  return {
    shortShare: 0.05,
    readErrorShare: 0,
    writeErrorShare: 0,
    syncErrorShare: 0,
    quotaBytes: Infinity,
    syncMs: 1,
    syncHangs: false,
  }
}

/** Whose calls they are: time passes with each, and none has an effect any more once it is dead. */
export interface Caller {
  /** Before each call. Throws when the caller is dead. */
  step(what: string): void
  /** Calls `run` in `ms` milliseconds of simulated time, if the caller lives then. */
  after(ms: number, run: () => void): void
}

/** All directories of the simulated machine; each caller has its own {@link FileSystem} on it. */
export class SimulatedDisk {
  readonly faults = healthyDisk()
  /** Syncs say that they have done it and have not: what a simulation must notice. */
  syncLies = false
  /** Calls of truncate that failed: what they should have cut off is still there. */
  failedTruncates = 0
  readonly #random: Random
  readonly #directories = new Map<string, Directory>()
  readonly #open = new Map<Caller, Set<SimulatedFile>>()
  #nextId = 1
  /** Hears of each file before it is removed. */
  onRemove: (path: string) => void = () => {}

  constructor(random: Random) {
    this.#random = random
  }

  /** The file system as one part of a program has it. */
  of(caller: Caller): FileSystem {
    return {
      open: (path, mode) => {
        this.#call(caller, `open ${mode} ${basename(path)}`, mode === 'read' ? 'read' : 'write')
        const file = new SimulatedFile(this, this.#random, caller, this.#inode(path, mode))
        let files = this.#open.get(caller)
        if (!files) this.#open.set(caller, (files = new Set()))
        files.add(file)
        return file
      },
      list: (directory) => {
        this.#call(caller, 'list', 'read')
        return [...this.#directory(directory).names.keys()]
      },
      stat: (path) => {
        this.#call(caller, `stat ${basename(path)}`, undefined)
        const inode = this.#directories.get(dirname(path))?.names.get(basename(path))
        return inode && { size: inode.size, mtimeMs: 0 }
      },
      identity: (path) => {
        this.#call(caller, `identity ${basename(path)}`, undefined)
        const found = this.#directories.get(path) ?? this.#directories.get(dirname(path))?.names.get(basename(path))
        return found && String(found.id)
      },
      remove: (path) => {
        this.#call(caller, `remove ${basename(path)}`, 'write')
        const directory = this.#directory(dirname(path))
        if (!directory.names.has(basename(path))) return
        this.onRemove(path)
        directory.change({ name: basename(path), inode: undefined })
      },
      rename: (from, to) => {
        this.#call(caller, `rename ${basename(from)} ${basename(to)}`, 'write')
        const inode = this.#inode(from, 'update')
        this.#directory(dirname(to)).change({ name: basename(from), inode: undefined }, { name: basename(to), inode })
      },
      makeDirectory: (path) => {
        this.#call(caller, `makeDirectory ${path}`, 'write')
        if (!this.#directories.has(path)) this.#directories.set(path, new Directory(this.#nextId++))
      },
      syncDirectory: (path) => {
        this.#call(caller, 'syncDirectory', 'sync')
        this.#directory(path).sync()
      },
      space: () => {
        this.#call(caller, 'space', undefined)
        const total = Math.min(this.faults.quotaBytes, 2 ** 40)
        return { freeBytes: Math.max(0, total - this.bytes), totalBytes: total }
      },
    }
  }

  /** Of all files. */
  get bytes(): number {
    let bytes = 0
    for (const directory of this.#directories.values()) for (const { size } of directory.names.values()) bytes += size
    return bytes
  }

  /** Files that a caller has open. */
  openFiles(caller: Caller): number {
    return this.#open.get(caller)?.size ?? 0
  }

  /** The names and contents of a directory, as programs see them. */
  contents(directory: string): ReadonlyMap<string, Inode> {
    return this.#directories.get(directory)?.names ?? new Map()
  }

  /** The caller has ended: its files are closed. */
  closeAll(caller: Caller): void {
    this.#open.delete(caller)
  }

  /** The power is cut: only what is durable is left, and of the rest what chance has it. */
  cut(): void {
    for (const directory of this.#directories.values()) directory.cut(this.#random)
  }

  /** Somebody takes a directory away; `put` brings back what `take` gave. */
  take(path: string): Directory | undefined {
    const directory = this.#directories.get(path)
    this.#directories.delete(path)
    return directory
  }

  put(path: string, directory = new Directory(this.#nextId++)): void {
    this.#directories.set(path, directory)
  }

  closed(caller: Caller, file: SimulatedFile): void {
    if (!this.#open.get(caller)?.delete(file)) throw errno('EBADF', 'close: the file is not open')
  }

  #directory(path: string): Directory {
    const directory = this.#directories.get(path)
    if (!directory) throw errno('ENOENT', path)
    return directory
  }

  #inode(path: string, mode: OpenMode): Inode {
    const directory = this.#directory(dirname(path))
    const name = basename(path)
    const found = directory.names.get(name)
    if (found && mode === 'new') throw errno('EEXIST', path)
    if (found) return found
    if (mode === 'read' || mode === 'update') throw errno('ENOENT', path)
    const inode = new Inode(this.#nextId++)
    directory.change({ name, inode })
    return inode
  }

  #call(caller: Caller, what: string, kind: 'read' | 'write' | 'sync' | undefined): void {
    caller.step(what)
    this.fail(kind, what)
  }

  /** Throws EIO as often as the faults say. */
  fail(kind: 'read' | 'write' | 'sync' | undefined, what: string): void {
    const { readErrorShare, writeErrorShare, syncErrorShare } = this.faults
    const share = { read: readErrorShare, write: writeErrorShare, sync: syncErrorShare }
    if (kind && share[kind] > 0 && this.#random.chance(share[kind])) throw errno('EIO', what)
  }
}

/** A file as one part has it open. */
class SimulatedFile implements File {
  readonly #disk: SimulatedDisk
  readonly #random: Random
  readonly #caller: Caller
  readonly #inode: Inode

  constructor(disk: SimulatedDisk, random: Random, caller: Caller, inode: Inode) {
    this.#disk = disk
    this.#random = random
    this.#caller = caller
    this.#inode = inode
  }

  read(into: Uint8Array, offset: number, length: number, position: number): number {
    this.#call('read', 'read')
    const there = Math.max(0, Math.min(length, this.#inode.size - position))
    const count = this.#less(there)
    into.set(this.#inode.bytes.subarray(position, position + count), offset)
    return count
  }

  write(from: Uint8Array, offset: number, length: number, position: number): number {
    this.#call('write', `write ${length} bytes at ${position}`)
    const growth = Math.max(0, position + length - this.#inode.size)
    const room = this.#disk.faults.quotaBytes - this.#disk.bytes
    if (growth > room && length - growth + room <= 0) throw errno('ENOSPC', 'write')
    const count = this.#less(growth > room ? length - growth + room : length)
    this.#inode.write(from.subarray(offset, offset + count), position)
    return count
  }

  size(): number {
    this.#call(undefined, 'size')
    return this.#inode.size
  }

  identity(): string {
    this.#call(undefined, 'identity')
    return String(this.#inode.id)
  }

  truncate(size: number): void {
    try {
      this.#call('write', `truncate to ${size}`)
    } catch (error) {
      this.#disk.failedTruncates++
      throw error
    }
    this.#inode.truncate(size)
  }

  sync(): void {
    this.#caller.step('sync')
    try {
      this.#disk.fail('sync', 'fsync')
    } catch (error) {
      this.#inode.failSync(this.#random)
      throw error
    }
    this.#inode.beginSync()()
  }

  dataSync(done: (error: Error | null) => void): void {
    this.#caller.step('dataSync')
    const { syncMs } = this.#disk.faults
    const finish = this.#disk.faults.syncHangs ? undefined : this.#inode.beginSync()
    const end = (): void => {
      if (this.#disk.faults.syncHangs) {
        this.#caller.after(100, end)
        return
      }
      try {
        this.#disk.fail('sync', 'fdatasync')
      } catch (error) {
        this.#inode.failSync(this.#random)
        done(error as Error)
        return
      }
      if (!this.#disk.syncLies) (finish ?? this.#inode.beginSync())()
      done(null)
    }
    this.#caller.after(this.#random.delay(syncMs), end)
  }

  close(): void {
    this.#caller.step('close')
    this.#disk.closed(this.#caller, this)
  }

  #call(kind: 'read' | 'write' | undefined, what: string): void {
    this.#caller.step(what)
    this.#disk.fail(kind, what)
  }

  #less(count: number): number {
    return count > 1 && this.#random.chance(this.#disk.faults.shortShare) ? this.#random.int(1, count - 1) : count
  }
}

function errno(code: string, what: string): Error {
  return Object.assign(new Error(`${code}: ${what}`), { code })
}
