import type { Random } from './random.ts'

/*
 * A disk and the page cache above it, in memory: what programs see (volatile), and what is there after the power was cut (durable). Syncing a file
 * makes its bytes and size durable, syncing a directory its names. Of what was not synced any part survives: of each file's bytes any subset of
 * sectors, with the old size, the new one or one between; of a directory's changes any subset, in the order of each name.
 */

const PAGE = 4096
const SECTOR = 512

/** What is in a file, whatever it is called. */
export class Inode {
  readonly id: number
  bytes = new Uint8Array(0)
  size = 0
  #durable = new Uint8Array(0)
  #durableSize = 0
  /** Page -> which write touched it last. */
  readonly #dirty = new Map<number, number>()
  #writes = 0
  constructor(id: number) {
    this.id = id
  }

  write(from: Uint8Array, position: number): void {
    const end = position + from.length
    this.bytes = grown(this.bytes, end)
    if (position > this.size) this.bytes.fill(0, this.size, position)
    this.bytes.set(from, position)
    this.#touch(Math.min(position, this.size), end)
    this.size = Math.max(this.size, end)
  }

  truncate(size: number): void {
    this.bytes = grown(this.bytes, size)
    if (size > this.size) this.bytes.fill(0, this.size, size)
    this.#touch(Math.min(size, this.size), Math.max(size, this.size))
    this.size = size
  }

  /** Takes what is there now; the result makes it durable. */
  beginSync(): () => void {
    const { size } = this
    const pages = [...this.#dirty].map(([page, write]) => ({
      page,
      write,
      bytes: this.bytes.slice(page * PAGE, (page + 1) * PAGE),
    }))
    return () => {
      this.#durable = grown(this.#durable, size)
      this.#durableSize = size
      for (const { page, write, bytes } of pages) {
        if (this.#dirty.get(page) === write) this.#dirty.delete(page)
        this.#durable = grown(this.#durable, page * PAGE + bytes.length)
        this.#durable.set(bytes, page * PAGE)
      }
    }
  }

  /** A sync that failed. The pages may be dropped and yet look clean: no later sync writes them. */
  failSync(random: Random): void {
    if (random.chance(0.3)) return
    if (random.chance(0.3)) {
      // Not even the cache has them any more.
      for (const page of this.#dirty.keys()) this.#copyPage(page, this.#durable, this.#durableSize, this.bytes)
    }
    this.#dirty.clear()
  }

  /** The power is cut. */
  cut(random: Random): void {
    const sizes = [this.#durableSize, this.size]
    const between = Math.min(...sizes) + Math.floor(random.next() * Math.abs(this.size - this.#durableSize))
    const size = random.pick([...sizes, between, this.size])
    const after = new Uint8Array(Math.max(size, 1))
    after.set(this.#durable.subarray(0, Math.min(this.#durableSize, size)))
    const most = random.pick([0, 0.5, 0.9, 1])
    for (const page of this.#dirty.keys()) {
      const whole = random.chance(0.7) ? random.chance(most) : undefined
      for (let at = page * PAGE; at < Math.min((page + 1) * PAGE, this.size, size); at += SECTOR) {
        if (whole ?? random.chance(most)) after.set(this.bytes.subarray(at, Math.min(at + SECTOR, this.size, size)), at)
      }
    }
    this.bytes = after
    this.size = size
    this.#durable = after.slice()
    this.#durableSize = size
    this.#dirty.clear()
  }

  /** Changes bytes that lie on the disk, in the cache too. */
  rot(from: number, to: number, change: (byte: number) => number): void {
    for (const bytes of [this.bytes, this.#durable])
      for (let i = from; i < Math.min(to, bytes.length); i++) bytes[i] = change(bytes[i]!)
  }

  #touch(from: number, to: number): void {
    this.#writes++
    for (let page = Math.floor(from / PAGE); page * PAGE < to; page++) this.#dirty.set(page, this.#writes)
  }

  #copyPage(page: number, from: Uint8Array, fromSize: number, to: Uint8Array): void {
    const end = Math.min((page + 1) * PAGE, to.length)
    if (page * PAGE >= end) return
    to.fill(0, page * PAGE, end)
    to.set(from.subarray(page * PAGE, Math.min(end, fromSize, from.length)), page * PAGE)
  }
}

interface NameChange {
  readonly name: string
  /** Undefined: it was removed. */
  readonly inode: Inode | undefined
}

export class Directory {
  readonly id: number
  readonly names = new Map<string, Inode>()
  #durable = new Map<string, Inode>()
  #changes: NameChange[][] = []

  constructor(id: number) {
    this.id = id
  }

  /** Changes of several names happen all or none. */
  change(...changes: readonly NameChange[]): void {
    for (const { name, inode } of changes) apply(this.names, name, inode)
    this.#changes.push([...changes])
  }

  sync(): void {
    this.#changes = []
    this.#durable = new Map(this.names)
  }

  cut(random: Random): void {
    const skipped = new Set<string>()
    const most = random.pick([0, 0.5, 1])
    for (const changes of this.#changes) {
      if (random.chance(most) && !changes.some(({ name }) => skipped.has(name))) {
        for (const { name, inode } of changes) apply(this.#durable, name, inode)
      } else for (const { name } of changes) skipped.add(name)
    }
    this.#changes = []
    this.names.clear()
    for (const [name, inode] of this.#durable) {
      inode.cut(random)
      this.names.set(name, inode)
    }
  }
}

function apply(names: Map<string, Inode>, name: string, inode: Inode | undefined): void {
  if (inode) names.set(name, inode)
  else names.delete(name)
}

function grown(bytes: Uint8Array<ArrayBuffer>, length: number): Uint8Array<ArrayBuffer> {
  if (length <= bytes.length) return bytes
  const copy = new Uint8Array(Math.max(length, 2 * bytes.length, 256))
  copy.set(bytes)
  return copy
}
