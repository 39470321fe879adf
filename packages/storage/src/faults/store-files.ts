import type { StoreEvent, StoreEventFields } from '../events.ts'
import type { LocalStoreOptions } from '../local/options.ts'
import { DIRECTORY, type SimulatedMachine, type SimulatedProcess } from './simulated-machine.ts'

const EMPTY_LOG = 32
/** Room is made for a record, and its part of the index, before it is written: about so much at most in these runs. */
const MAX_NEED_BYTES = 8_000
/** Of one record and its index, or its sealed form: the bytes that make a block full, and one append more. */
const MAX_RECORD_BYTES = 12_000
/** Of the limit, what is left free for what is kept. */
const KEEP_SHARE = 0.08
/** The share of the limit, or by space of what there is, that is dropped at once, at most. */
const MAX_DROP_SHARE = 0.05

/** What there is in the store's directory, what may go, and what has gone. */
export class StoreFiles {
  /** The disk was full once: what nobody asked to drop may have been dropped. */
  wasFull = false
  readonly #machine: SimulatedMachine
  readonly #options: LocalStoreOptions
  /** The store is large enough for its segments to be small parts of it. */
  readonly #isStrict: boolean
  readonly #fail: (error: Error) => void
  /** What was told to be kept aside, by its name. */
  readonly #kept = new Map<string, string>()
  #removedMs = -Infinity
  #hasDropped = false

  constructor(machine: SimulatedMachine, options: LocalStoreOptions, isStrict: boolean, fail: (error: Error) => void) {
    this.#machine = machine
    this.#options = options
    this.#isStrict = isStrict
    this.#fail = fail
    machine.disk.onRemove = (path) => this.#checkRemoval(path)
  }

  /** When a file was removed, last. */
  get removedMs(): number {
    return this.#removedMs
  }

  get mayHaveDropped(): boolean {
    // What the readers have been told to forget may still be there, and the event of it on its way.
    const { maxBytes = Infinity, keep } = this.#options
    const needBytes = MAX_NEED_BYTES + (keep ? KEEP_SHARE * maxBytes : 0)
    return this.#hasDropped || this.wasFull || this.#machine.disk.bytes + needBytes > maxBytes
  }

  /** It was told that this is kept aside. */
  keep(name: string): void {
    this.#kept.set(name, this.#keptBytes(name))
  }

  /** Throws when something is not as it should be; else how many segments there are, and how many of them certainly have something. */
  check(process: SimulatedProcess): { readonly filled: number; readonly segments: number } {
    for (const [name, bytes] of this.#kept) if (this.#keptBytes(name) !== bytes) throw new Error(`${name} is not kept`)
    const files = [...this.#machine.disk.contents(DIRECTORY)]
    const idsOf = (kind: string): Set<string> =>
      new Set(files.flatMap(([name]) => (name.endsWith(kind) ? [name.slice(0, -kind.length)] : [])))
    const sealed = idsOf('.seal')
    const segments = new Set([...idsOf('.log'), ...sealed]).size
    const filled = new Set([...sealed, ...this.#filledLogs().map((name) => name.slice(0, -'.log'.length))]).size
    for (const part of process.parts) {
      const open = this.#machine.disk.openFiles(part)
      const ofSealer = this.#options.keep ? 4 : 2
      const most =
        part.name === 'writer' ? 2 : part.name === 'sealer' ? ofSealer : part.name === 'main' ? 0 : 2 * segments
      if (open > most) throw new Error(`${part.name} has ${open} files open, at most ${most} are of use`)
    }
    const { maxBytes = Infinity } = this.#options
    if (this.#isStrict && this.#machine.disk.bytes > 1.1 * maxBytes)
      throw new Error(`the store has ${this.#machine.disk.bytes} bytes, its limit is ${maxBytes}`)
    return { filled, segments }
  }

  /** With time for it everything that is closed and whole gets sealed, but what would get larger than the store may be, or has ended sealers. */
  checkSealed(events: readonly StoreEvent[]): void {
    const { seal = true, maxBytes } = this.#options
    if (!seal || maxBytes !== undefined) return
    const logs = this.#filledLogs()
    const refused = events.filter(({ code }) => code === 'not_sealed').length
    if (logs.length > 1 + refused) throw new Error(`${logs.length} logs are not sealed, ${refused} could not be`)
  }

  /** Names. An empty one may be in use, or left from a segment that could not be begun. */
  #filledLogs(): string[] {
    const files = [...this.#machine.disk.contents(DIRECTORY)]
    return files.flatMap(([name, { size }]) => (name.endsWith('.log') && size > EMPTY_LOG ? [name] : []))
  }

  #keptBytes(name: string): string {
    const [folder, file] = name.split('/') as [string, string]
    const inode = this.#machine.disk.contents(`${DIRECTORY}/${folder}`).get(file)
    return inode ? Buffer.from(inode.bytes.subarray(0, inode.size)).toString('hex') : 'nothing'
  }

  /** What is told to be dropped is not found any more, though its files may not be deleted yet. */
  checkDrop({ reason, segments, bytes }: StoreEventFields['dropped']): void {
    this.#hasDropped = true
    const isExpected =
      reason === 'size' || reason === 'kept_size'
        ? this.#options.maxBytes !== undefined
        : reason === 'space' && this.wasFull
    if (!isExpected) this.#fail(new Error(`something is dropped by ${reason}, and nobody asked for that`))
    const { maxBytes = Infinity } = this.#options
    const most = reason === 'space' ? 1.5 * (this.#machine.disk.bytes + bytes) : this.#isStrict ? maxBytes : Infinity
    // A record that is larger than a segment should be goes whole.
    const atLeast = this.#isStrict && segments === 1 ? MAX_RECORD_BYTES : 0
    if (bytes > Math.max(MAX_DROP_SHARE * most, atLeast))
      this.#fail(new Error(`${bytes} bytes in ${segments} segments are dropped at once by ${reason}, of ${most}`))
  }

  /** A log may be removed when nothing in it was acknowledged, when it has a sealed form, or when the store has more than its limit. */
  #checkRemoval(path: string): void {
    this.#removedMs = this.#machine.nowMs
    const files = this.#machine.disk.contents(DIRECTORY)
    const name = path.slice(DIRECTORY.length + 1)
    const log = files.get(name.replace(/idx$/, 'log'))
    const other = files.has(name.endsWith('seal') ? name.replace(/seal$/, 'log') : name.replace(/(log|idx)$/, 'seal'))
    if (name.endsWith('.new') || other || !log || log.size <= EMPTY_LOG) return
    let bytes = 0
    for (const [name, { size }] of files) if (/\.(log|idx|seal|new)$/.test(name)) bytes += size
    const { maxBytes = Infinity } = this.#options
    this.#machine.note(`${path} is removed, ${bytes} bytes of ${maxBytes}`)
    // Below the limit only what was never acknowledged may go: whatever else is missing then is a failure.
    if (bytes + MAX_NEED_BYTES > maxBytes || this.wasFull) this.#hasDropped = true
  }
}
