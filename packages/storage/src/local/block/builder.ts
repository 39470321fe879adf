import { createSpanColumns, scanSpans, type AttributeVisitor, type SpanColumns } from '@spoor/otlp'
import { UNKNOWN_SERVICE } from '@spoor/trace'
import { decodeText, hashAttribute } from './attribute.ts'
import { MAX_BLOCK_HASHES } from './bloom.ts'
import { hashBytes, hashWords, viewOf } from './hash.ts'
import { KeyedHashes } from './keyed-hashes.ts'
import { createRows, markOf, MAX_DURATION_NS, reserveRows, type BlockRows, type Frame, type Mark } from './rows.ts'

/** Rows that there is room for from the start when nothing else is said. */
const CAPACITY = 1 << 8

/**
 * Makes the header columns of a block from serialized requests, one after the other. Used by the writer as spans come in, and
 * by whoever has to make a block's index again from the log.
 */
export class BlockBuilder {
  readonly rows: BlockRows
  /** Attribute keys and key=value pairs, for the block's filter, and the keys. */
  readonly hashes = new KeyedHashes(MAX_BLOCK_HASHES)
  /** Bytes of all requests added so far. */
  rawLength = 0
  readonly #columns: SpanColumns = createSpanColumns(256)
  readonly #traces: Table
  readonly #capacity: number
  readonly #operations = new Table(1024)
  readonly #names = new ByteDictionary()
  readonly #services = new ByteDictionary()
  /** Operation -> service, name in the two dictionaries. */
  #operationParts: number[] = []
  readonly #visitor: AttributeVisitor
  /** Of the request that is being added. */
  #view: DataView = viewOf(new Uint8Array())

  /** `capacity`: rows that there is room for from the start; a power of two. */
  constructor(capacity = CAPACITY) {
    this.#capacity = 2 ** Math.ceil(Math.log2(capacity))
    this.rows = createRows(this.#capacity)
    this.#traces = new Table(this.#capacity)
    const { hashes } = this
    this.#visitor = { attribute: (bytes, start, end) => hashAttribute(bytes, this.#view, start, end, hashes) }
  }

  /** Adds the spans of a request and returns how many. Throws OtlpError on malformed bytes; then nothing was added. */
  add(bytes: Uint8Array): number {
    const columns = this.#columns
    columns.count = 0
    this.#view = viewOf(bytes)
    scanSpans(bytes, columns, this.#visitor)
    reserveRows(this.rows, columns.count)
    this.#addRows(bytes, columns)
    this.rawLength += bytes.length
    return columns.count
  }

  addFrame(frame: Frame): void {
    this.rows.frames.push(frame)
  }

  mark(): BuilderMark {
    return { ...markOf(this.rows), rawLength: this.rawLength }
  }

  /** Forgets all spans added after `mark`. What they brought into the tables of traces and operations, and the filter, stays; it matches nothing. */
  rollback(mark: BuilderMark): void {
    this.rows.count = mark.count
    this.rows.groupCount = mark.groupCount
    this.rows.frames.length = mark.frameCount
    this.rawLength = mark.rawLength
  }

  reset(): void {
    const { rows } = this
    if (rows.status.length > 4 * this.#capacity) Object.assign(rows, createRows(this.#capacity))
    rows.count = rows.traceCount = rows.groupCount = this.rawLength = 0
    rows.operations = []
    rows.frames = []
    this.#operationParts = []
    this.hashes.clear()
    for (const table of [this.#traces, this.#operations, this.#names, this.#services]) table.clear()
  }

  #addRows(bytes: Uint8Array, columns: SpanColumns): void {
    const { rows } = this
    const base = this.rawLength
    const first = rows.count
    const count = columns.count
    const words = wordsOf(columns.traceId)
    rows.spanId.set(wordsOf(columns.spanId).subarray(0, 2 * count), 2 * first)
    rows.parentId.set(wordsOf(columns.parentSpanId).subarray(0, 2 * count), 2 * first)
    rows.startLo.set(columns.startLo.subarray(0, count), first)
    rows.startHi.set(columns.startHi.subarray(0, count), first)
    rows.status.set(columns.status.subarray(0, count), first)
    let scope = -1
    let group = -1
    let service = -1
    for (let i = 0; i < count; i++) {
      const row = first + i
      if (columns.scopeStart[i] !== scope) {
        scope = columns.scopeStart[i]!
        group = this.#addGroup(columns, i, base)
        service = this.#services.intern(bytes, this.#view, columns.serviceStart[i]!, columns.serviceEnd[i]!)
      }
      const duration = columns.durationNs[i]!
      rows.durationNs[row] =
        duration > MAX_DURATION_NS ? MAX_DURATION_NS : duration < -MAX_DURATION_NS ? -MAX_DURATION_NS : duration
      rows.group[row] = group
      rows.trace[row] = this.#trace(words, 4 * i)
      rows.operation[row] = this.#operation(
        bytes,
        service,
        columns.nameStart[i]!,
        columns.nameEnd[i]!,
        columns.kind[i]!,
      )
      rows.spanStart[row] = base + columns.spanStart[i]!
      rows.spanEnd[row] = base + columns.spanEnd[i]!
    }
    rows.count += count
  }

  #addGroup(columns: SpanColumns, i: number, base: number): number {
    const { groups, groupCount } = this.rows
    groups[4 * groupCount] = base + columns.resourceStart[i]!
    groups[4 * groupCount + 1] = base + columns.resourceEnd[i]!
    groups[4 * groupCount + 2] = base + columns.scopeStart[i]!
    groups[4 * groupCount + 3] = base + columns.scopeEnd[i]!
    return this.rows.groupCount++
  }

  #trace(words: Uint32Array, at: number): number {
    const { traceIds } = this.rows
    const w0 = words[at]!
    const w1 = words[at + 1]!
    const w2 = words[at + 2]!
    const w3 = words[at + 3]!
    const table = this.#traces
    for (let found = table.first(hashWords(w0, w1, w2, w3)); found >= 0; found = table.next()) {
      const i = 4 * found
      if (traceIds[i] === w0 && traceIds[i + 1] === w1 && traceIds[i + 2] === w2 && traceIds[i + 3] === w3) return found
    }
    const index = this.rows.traceCount++
    traceIds.set(words.subarray(at, at + 4), 4 * index)
    table.add(index)
    return index
  }

  #operation(bytes: Uint8Array, service: number, nameStart: number, nameEnd: number, kind: number): number {
    const name = this.#names.intern(bytes, this.#view, nameStart, nameEnd)
    const parts = this.#operationParts
    const { operations } = this.rows
    const table = this.#operations
    for (let found = table.first(hashWords(service, name, kind, 0)); found >= 0; found = table.next()) {
      if (parts[2 * found] === service && parts[2 * found + 1] === name && operations[found]!.kind === kind)
        return found
    }
    parts.push(service, name)
    table.add(operations.length)
    return (
      operations.push({
        service: this.#services.text(service) || UNKNOWN_SERVICE,
        name: this.#names.text(name),
        kind,
      }) - 1
    )
  }
}

export type BuilderMark = Mark & { readonly rawLength: number }

function wordsOf(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2)
}

/** Open addressing from a hash to entry numbers 0, 1, 2 ...; the caller compares the entries. */
class Table {
  #slots: Int32Array
  #hashes: Int32Array
  #size = 0
  #hash = 0
  #slot = 0
  readonly #initial: number

  constructor(capacity: number) {
    this.#initial = capacity
    this.#slots = new Int32Array(2 * capacity).fill(-1)
    this.#hashes = new Int32Array(capacity)
  }

  /** The first entry that may have this hash, or -1; {@link next} goes on. */
  first(hash: number): number {
    this.#hash = hash
    this.#slot = hash & (this.#slots.length - 1)
    return this.#find()
  }

  next(): number {
    this.#slot = (this.#slot + 1) & (this.#slots.length - 1)
    return this.#find()
  }

  #find(): number {
    const slots = this.#slots
    const mask = slots.length - 1
    for (let entry = slots[this.#slot]!; entry >= 0; entry = slots[this.#slot]!) {
      if (this.#hashes[entry] === this.#hash) return entry
      this.#slot = (this.#slot + 1) & mask
    }
    return -1
  }

  /** Adds the next entry, after {@link first} and {@link next} have come to -1 for its hash. */
  add(entry: number): void {
    if (entry === this.#hashes.length) {
      const hashes = new Int32Array(2 * entry)
      hashes.set(this.#hashes)
      this.#hashes = hashes
      this.#slots = new Int32Array(4 * entry).fill(-1)
      for (let i = 0; i < entry; i++) this.#place(hashes[i]!, i)
      this.#hashes[entry] = this.#hash
      this.#place(this.#hash, entry)
    } else {
      this.#hashes[entry] = this.#hash
      this.#slots[this.#slot] = entry
    }
    this.#size = entry + 1
  }

  #place(hash: number, entry: number): void {
    const mask = this.#slots.length - 1
    let slot = hash & mask
    while (this.#slots[slot]! >= 0) slot = (slot + 1) & mask
    this.#slots[slot] = entry
  }

  clear(): void {
    if (this.#size === 0) return
    if (this.#hashes.length > 4 * this.#initial) {
      this.#hashes = new Int32Array(this.#initial)
      this.#slots = new Int32Array(2 * this.#initial)
    }
    this.#slots.fill(-1)
    this.#size = 0
  }
}

/** Byte strings as small integers, compared by their bytes. */
class ByteDictionary {
  readonly #table = new Table(256)
  #arena = new Uint8Array(1 << 14)
  #ends: number[] = []

  intern(bytes: Uint8Array, view: DataView, start: number, end: number): number {
    const arena = this.#arena
    const length = end - start
    const table = this.#table
    for (let found = table.first(hashBytes(view, start, end)); found >= 0; found = table.next()) {
      const at = found === 0 ? 0 : this.#ends[found - 1]!
      if (this.#ends[found]! - at !== length) continue
      let i = 0
      while (i < length && arena[at + i] === bytes[start + i]) i++
      if (i === length) return found
    }
    const at = this.#ends.at(-1) ?? 0
    if (at + length > arena.length) {
      this.#arena = new Uint8Array(Math.max(at + length, 2 * arena.length))
      this.#arena.set(arena)
    }
    this.#arena.set(bytes.subarray(start, end), at)
    table.add(this.#ends.length)
    return this.#ends.push(at + length) - 1
  }

  text(entry: number): string {
    return decodeText(this.#arena, entry === 0 ? 0 : this.#ends[entry - 1]!, this.#ends[entry]!)
  }

  clear(): void {
    this.#table.clear()
    this.#ends = []
    if (this.#arena.length > 1 << 20) this.#arena = new Uint8Array(1 << 14)
  }
}
