import { createSpanColumns, scanSpans, type SpanColumns } from '@spoor/otlp'
import { UNKNOWN_SERVICE } from '@spoor/trace'
import { hashBytes, hashWords, viewOf } from '../block/hash.ts'
import type { OperationKey } from '../block/rows.ts'
import { freeMemory } from '../block/memory.ts'
import { decodeText } from '../block/attribute.ts'
import { inPieces } from './pieces.ts'
import { MAX_SECTION_SPANS } from './section-meta.ts'
import type { Hold } from './specimen.ts'
import { fieldEnd } from './wire.ts'

/** Field 2 of a `ResourceSpans` are its scopes, of a `ScopeSpans` its spans; length-delimited. */
const MEMBERS = 0x12

/** Room for the distinct resources and scopes; when they need more, all is copied once more. */
const GROUPS_ROOM = 1 << 20

/** What is sealed: all requests' bytes in one piece, the header columns of their spans, and in which order these are kept. */
export interface Source {
  /** The requests, and after them the distinct resources and scopes without what is in them. */
  readonly bytes: Uint8Array
  /** Of all spans, in the order in which they came. */
  readonly columns: SpanColumns
  /** The spans that are kept, by trace id and, within a trace, by start. */
  readonly order: Uint32Array
  /** The spans that are kept, in the order in which they came. */
  readonly kept: Uint32Array
  /** By place in {@link order}: the number of its trace; traces are numbered in this order. */
  readonly trace: Uint32Array
  /** The first place of each trace; one more than there are traces. */
  readonly first: Uint32Array
  /** By span as it came. */
  readonly group: Uint32Array
  readonly operation: Uint32Array
  readonly operations: readonly OperationKey[]
  readonly names: readonly Uint8Array[]
  readonly resources: readonly Range[]
  readonly scopes: readonly Range[]
  /** By group: its resource and scope. */
  readonly groups: readonly { readonly resource: number; readonly scope: number }[]
}

/** A range of {@link Source.bytes}. */
export interface Range {
  readonly start: number
  readonly end: number
}

/** What a source is made from. */
export interface SourceInput {
  /** Serialized requests in order of arrival. */
  readonly requests: Iterable<Uint8Array>
  /**
   * Bytes of all requests together, for who makes them one after the other, as they are asked for: the memory of each is freed as soon as it has been copied, so that
   * there are never both all of them and the copy, some 30 MB each. Default: they stay the caller's, and are gone through twice.
   */
  readonly length?: number
  /** Which spans; by their number, counted over all requests from 0. Default: all. */
  readonly take?: (row: number) => boolean
  /** Takes what is made on the way, see `specimen.ts`. Default: nothing is kept of it. */
  readonly hold?: Hold
}

/** Throws OtlpError for a request that is malformed, and RangeError where their bytes are not `length`. */
export function readSource({ requests, length: given, take, hold }: SourceInput): Source {
  const length = given ?? lengthOf(requests)
  const columns = createSpanColumns(Math.min(MAX_SECTION_SPANS, Math.ceil(length / 64)))
  const groups = new Groups(length)
  let bytes = joined(requests, length, GROUPS_ROOM, given !== undefined)
  scanSpans(bytes.subarray(0, length), columns)
  const kept = take ? keptOf(columns.count, take) : allOf(columns.count)
  const group = new Uint32Array(columns.count)
  inPieces(kept.length, (from, to) => groups.number(bytes, columns, kept, from, to, group))
  const operations = operationsOf(bytes, columns, kept, hold)
  if (groups.length > GROUPS_ROOM) bytes = joined([bytes.subarray(0, length)], length, groups.length)
  groups.copyTo(bytes)
  const sorted = sort(columns, kept, hold)
  hold?.(groups)
  return {
    bytes,
    columns,
    kept,
    ...sorted,
    group,
    ...operations,
    resources: groups.resources,
    scopes: groups.scopes,
    groups: groups.groups,
  }
}

/** Whether these are the fields that a message has besides {@link MEMBERS}. */
export function hasOtherFields(bytes: Uint8Array, start: number, end: number, fields: Uint8Array): boolean {
  let at = 0
  for (let p = start; p < end;) {
    const next = fieldEnd(bytes, p, end)
    if (bytes[p] === MEMBERS) p = next
    else for (; p < next; p++, at++) if (bytes[p] !== fields[at]) return false
  }
  return at === fields.length
}

function allOf(count: number): Uint32Array {
  const all = new Uint32Array(count)
  inPieces(count, (from, to) => putNumbers(all, from, to))
  return all
}

function putNumbers(all: Uint32Array, from: number, to: number): void {
  for (let i = from; i < to; i++) all[i] = i
}

function keptOf(count: number, take: (row: number) => boolean): Uint32Array {
  const kept = new Uint32Array(count)
  let length = 0
  for (let row = 0; row < count; row++) if (take(row)) kept[length++] = row
  return kept.subarray(0, length)
}

/** Frees the memory of a source that is not needed any more, instead of leaving it to V8, which would collect all of the heap to get room for the next one. */
export function freeSource({ bytes, columns }: Source): void {
  freeMemory(bytes)
  for (const column of Object.values(columns)) if (typeof column === 'object') freeMemory(column)
}

function lengthOf(parts: Iterable<Uint8Array>): number {
  let length = 0
  for (const part of parts) length += part.length
  return length
}

function joined(parts: Iterable<Uint8Array>, length: number, room: number, areGiven = false): Uint8Array {
  // Not cleared, as that would take as long as to fill it.
  const buffer = Buffer.allocUnsafeSlow(length + room)
  const bytes = new Uint8Array(buffer.buffer, buffer.byteOffset, length + room)
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
    if (areGiven) freeMemory(part)
  }
  if (at !== length) throw new RangeError(`${at} bytes of requests where ${length} should be`)
  return bytes
}

/** Numbers the distinct resources, scopes and pairs of them. */
class Groups {
  length = 0
  readonly #parts: Uint8Array[] = []
  readonly resources: Range[] = []
  readonly scopes: Range[] = []
  readonly groups: { resource: number; scope: number }[] = []
  readonly #resourceNumbers = new Map<string, number>()
  readonly #scopeNumbers = new Map<string, number>()
  readonly #groupNumbers = new Map<string, number>()
  readonly #base: number
  #resourceStart = -1
  #resource = 0
  #scopeStart = -1
  #group = 0

  /** `base`: where the first part will stand. */
  constructor(base: number) {
    this.#base = base
  }

  /** Puts the group of each of the spans `[from, to)` of `rows`. */
  number(
    bytes: Uint8Array,
    columns: SpanColumns,
    rows: Uint32Array,
    from: number,
    to: number,
    group: Uint32Array,
  ): void {
    const { scopeStart } = columns
    for (let i = from; i < to; i++) {
      const row = rows[i]!
      if (scopeStart[row] !== this.#scopeStart) {
        this.#scopeStart = scopeStart[row]!
        this.#group = this.#numberOf(bytes, columns, row)
      }
      group[row] = this.#group
    }
  }

  #numberOf(bytes: Uint8Array, columns: SpanColumns, row: number): number {
    if (columns.resourceStart[row] !== this.#resourceStart) {
      this.#resourceStart = columns.resourceStart[row]!
      const rest = otherFields(bytes, this.#resourceStart, columns.resourceEnd[row]!)
      this.#resource = this.#intern(this.#resourceNumbers, this.resources, rest)
    }
    const resource = this.#resource
    const rest = otherFields(bytes, columns.scopeStart[row]!, columns.scopeEnd[row]!)
    const scope = this.#intern(this.#scopeNumbers, this.scopes, rest)
    const key = `${resource} ${scope}`
    let number = this.#groupNumbers.get(key)
    if (number === undefined) this.#groupNumbers.set(key, (number = this.groups.push({ resource, scope }) - 1))
    return number
  }

  /** Puts the parts where the ranges say. */
  copyTo(bytes: Uint8Array): void {
    let at = this.#base
    for (const part of this.#parts) {
      bytes.set(part, at)
      at += part.length
    }
  }

  #intern(numbers: Map<string, number>, ranges: Range[], part: Buffer): number {
    const key = part.toString('latin1')
    let number = numbers.get(key)
    if (number === undefined) {
      const start = this.#base + this.length
      numbers.set(key, (number = ranges.push({ start, end: start + part.length }) - 1))
      this.#parts.push(part)
      this.length += part.length
    }
    return number
  }
}

/** What a `ResourceSpans` has besides its scopes, or a `ScopeSpans` besides its spans. */
function otherFields(bytes: Uint8Array, start: number, end: number): Buffer {
  const parts: Uint8Array[] = []
  for (let p = start; p < end;) {
    const next = fieldEnd(bytes, p, end)
    if (bytes[p] !== MEMBERS) parts.push(bytes.subarray(p, next))
    p = next
  }
  return Buffer.concat(parts)
}

function operationsOf(
  bytes: Uint8Array,
  columns: SpanColumns,
  rows: Uint32Array,
  hold?: Hold,
): Pick<Source, 'operation' | 'operations' | 'names'> {
  const found = new Operations(bytes, columns)
  inPieces(rows.length, (from, to) => found.number(rows, from, to))
  hold?.(found)
  const { operation, operations, names } = found
  return { operation, operations, names }
}

/** Numbers the distinct operations. */
class Operations {
  readonly operation: Uint32Array
  readonly operations: OperationKey[] = []
  readonly names: Uint8Array[] = []
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #columns: SpanColumns
  /** By operation: its service, and where its name is. */
  readonly #serviceOf: number[] = []
  readonly #nameAt: number[] = []
  readonly #services = new Map<string, number>()
  /** By hash, the last one with it; and by operation, the one before with the same. */
  readonly #numbers = new Map<number, number>()
  readonly #before: number[] = []
  #serviceStart = -1
  #service = 0

  constructor(bytes: Uint8Array, columns: SpanColumns) {
    this.operation = new Uint32Array(columns.count)
    this.#bytes = bytes
    this.#view = viewOf(bytes)
    this.#columns = columns
  }

  /** Puts the operation of each of the spans `[from, to)` of `rows`. */
  number(rows: Uint32Array, from: number, to: number): void {
    const { operation } = this
    const { serviceStart } = this.#columns
    for (let i = from; i < to; i++) {
      const row = rows[i]!
      if (serviceStart[row] !== this.#serviceStart) this.#enter(row)
      operation[row] = this.#numberOf(row)
    }
  }

  #enter(row: number): void {
    const start = this.#columns.serviceStart[row]!
    const key = Buffer.from(
      this.#bytes.buffer,
      this.#bytes.byteOffset + start,
      this.#columns.serviceEnd[row]! - start,
    ).toString('latin1')
    this.#serviceStart = start
    this.#service = this.#services.get(key) ?? this.#services.size
    this.#services.set(key, this.#service)
  }

  #numberOf(row: number): number {
    const { nameStart, nameEnd, kind } = this.#columns
    const start = nameStart[row]!
    const length = nameEnd[row]! - start
    const own = kind[row]!
    const hash = hashWords(this.#service, hashBytes(this.#view, start, start + length), own, 0)
    const newest = this.#numbers.get(hash) ?? -1
    let number = newest
    while (number >= 0 && !this.#isOperation(number, start, length, own)) number = this.#before[number]!
    return number < 0 ? this.#add(row, hash, newest) : number
  }

  #isOperation(number: number, start: number, length: number, kind: number): boolean {
    return (
      this.operations[number]!.kind === kind &&
      this.#serviceOf[number] === this.#service &&
      this.names[number]!.length === length &&
      isSame(this.#view, this.#nameAt[number]!, start, length)
    )
  }

  #add(row: number, hash: number, before: number): number {
    const bytes = this.#bytes
    const { serviceStart, serviceEnd, nameStart, nameEnd, kind } = this.#columns
    const service = decodeText(bytes, serviceStart[row]!, serviceEnd[row]!) || UNKNOWN_SERVICE
    const name = decodeText(bytes, nameStart[row]!, nameEnd[row]!)
    const number = this.operations.push({ service, name, kind: kind[row]! }) - 1
    this.names.push(bytes.slice(nameStart[row]!, nameEnd[row]!))
    this.#serviceOf.push(this.#service)
    this.#nameAt.push(nameStart[row]!)
    this.#before.push(before)
    this.#numbers.set(hash, number)
    return number
  }
}

function isSame(view: DataView, a: number, b: number, length: number): boolean {
  let i = 0
  for (; i + 4 <= length; i += 4) if (view.getInt32(a + i, true) !== view.getInt32(b + i, true)) return false
  for (; i < length; i++) if (view.getUint8(a + i) !== view.getUint8(b + i)) return false
  return true
}

function sort(columns: SpanColumns, rows: Uint32Array, hold?: Hold): Pick<Source, 'order' | 'trace' | 'first'> {
  const words = new Uint32Array(columns.traceId.buffer, columns.traceId.byteOffset, 4 * columns.count)
  const numbered = new Traces(words, rows)
  inPieces(rows.length, (from, to) => numbered.number(from, to))
  const { traceOf, traces } = numbered
  hold?.(numbered)
  const place = placesById(words, traces)
  const first = new Uint32Array(traces.length + 1)
  inPieces(rows.length, (from, to) => countRows(traceOf, place, from, to, first))
  for (let i = 0; i < traces.length; i++) first[i + 1]! += first[i]!
  const next = first.slice()
  const order = new Uint32Array(rows.length)
  const trace = new Uint32Array(rows.length)
  inPieces(rows.length, (from, to) => putTraces(rows, traceOf, place, from, to, next, order, trace))
  inPieces(traces.length, (from, to) => sortByStart(columns, first, from, to, order))
  return { order, trace, first }
}

/** By trace, of which `spans` has one each: its place in the order of the ids. */
function placesById(words: Uint32Array, spans: readonly number[]): Uint32Array {
  const { length } = spans
  // By the first bits of their ids, which are random: a few have the same, and are put in order one by one.
  const shift = Math.clz32(length | 1)
  const count = 2 ** (32 - shift)
  const buckets = new Uint32Array(count + 1)
  inPieces(length, (from, to) => countFirst(words, spans, shift, from, to, buckets))
  for (let i = 0; i < count; i++) buckets[i + 1]! += buckets[i]!
  const next = buckets.slice()
  const sorted = new Uint32Array(length)
  inPieces(length, (from, to) => putFirst(words, spans, shift, from, to, next, sorted))
  inPieces(count, (from, to) => sortBuckets(words, spans, buckets, from, to, sorted))
  const place = new Uint32Array(length)
  for (let i = 0; i < length; i++) place[sorted[i]!] = i
  return place
}

/** What is put into its order one by one, at most. */
const FEW = 64

function countFirst(
  words: Uint32Array,
  spans: readonly number[],
  shift: number,
  from: number,
  to: number,
  buckets: Uint32Array,
): void {
  for (let i = from; i < to; i++) buckets[(words[4 * spans[i]!]! >>> shift) + 1]!++
}

function putFirst(
  words: Uint32Array,
  spans: readonly number[],
  shift: number,
  from: number,
  to: number,
  next: Uint32Array,
  sorted: Uint32Array,
): void {
  for (let i = from; i < to; i++) sorted[next[words[4 * spans[i]!]! >>> shift]!++] = i
}

function sortBuckets(
  words: Uint32Array,
  spans: readonly number[],
  buckets: Uint32Array,
  from: number,
  to: number,
  sorted: Uint32Array,
): void {
  for (let i = from; i < to; i++) {
    const start = buckets[i]!
    const end = buckets[i + 1]!
    // Ids that are not random may all have the same.
    if (end - start > FEW) sortById(words, spans, sorted.subarray(start, end))
    else if (end - start > 1) insertById(words, spans, start, end, sorted)
  }
}

function sortById(words: Uint32Array, spans: readonly number[], traces: Uint32Array): void {
  traces.sort((a, b) => compareIds(words, 4 * spans[a]!, words, 4 * spans[b]!))
}

function insertById(words: Uint32Array, spans: readonly number[], start: number, end: number, traces: Uint32Array): void {
  for (let k = start + 1; k < end; k++) {
    const one = traces[k]!
    let at = k
    for (; at > start && compareIds(words, 4 * spans[traces[at - 1]!]!, words, 4 * spans[one]!) > 0; at--)
      traces[at] = traces[at - 1]!
    traces[at] = one
  }
}

function countRows(traceOf: Uint32Array, place: Uint32Array, from: number, to: number, first: Uint32Array): void {
  for (let i = from; i < to; i++) first[place[traceOf[i]!]! + 1]!++
}

function putTraces(
  rows: Uint32Array,
  traceOf: Uint32Array,
  place: Uint32Array,
  from: number,
  to: number,
  next: Uint32Array,
  order: Uint32Array,
  trace: Uint32Array,
): void {
  for (let i = from; i < to; i++) {
    const own = place[traceOf[i]!]!
    const at = next[own]!++
    order[at] = rows[i]!
    trace[at] = own
  }
}

/** Puts the spans of some traces in the order of their starts. */
function sortByStart(columns: SpanColumns, first: Uint32Array, from: number, to: number, order: Uint32Array): void {
  const { startHi, startLo } = columns
  for (let trace = from; trace < to; trace++) {
    const start = first[trace]!
    const end = first[trace + 1]!
    if (end - start > FEW)
      order
        .subarray(start, end)
        .sort((a, b) => startHi[a]! - startHi[b]! || startLo[a]! - startLo[b]! || a - b)
    else insertByStart(startHi, startLo, order, start, end)
  }
}

function insertByStart(
  startHi: Uint32Array,
  startLo: Uint32Array,
  order: Uint32Array,
  start: number,
  end: number,
): void {
  for (let k = start + 1; k < end; k++) {
    const one = order[k]!
    const hi = startHi[one]!
    const lo = startLo[one]!
    let at = k
    for (; at > start; at--) {
      const before = order[at - 1]!
      if (startHi[before]! < hi || (startHi[before] === hi && startLo[before]! <= lo)) break
      order[at] = before
    }
    order[at] = one
  }
}

/** By kept span its trace, numbered as they come, and by trace a span of it. */
class Traces {
  readonly traceOf: Uint32Array
  readonly traces: number[] = []
  readonly #words: Uint32Array
  readonly #rows: Uint32Array
  readonly #slots: Int32Array

  constructor(words: Uint32Array, rows: Uint32Array) {
    let size = 1024
    while (size < 2 * rows.length) size *= 2
    this.#words = words
    this.#rows = rows
    this.#slots = new Int32Array(size).fill(-1)
    this.traceOf = new Uint32Array(rows.length)
  }

  number(from: number, to: number): void {
    const { traceOf, traces } = this
    const words = this.#words
    const rows = this.#rows
    const slots = this.#slots
    const mask = slots.length - 1
    for (let i = from; i < to; i++) {
      const at = 4 * rows[i]!
      let slot = hashWords(words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!) & mask
      let trace = slots[slot]!
      while (trace >= 0 && compareIds(words, at, words, 4 * traces[trace]!) !== 0) {
        slot = (slot + 1) & mask
        trace = slots[slot]!
      }
      if (trace < 0) trace = slots[slot] = traces.push(rows[i]!) - 1
      traceOf[i] = trace
    }
  }
}

/** The order of trace ids in a section: by their words. */
export function compareIds(a: Uint32Array, at: number, b: Uint32Array, bt: number): number {
  for (let i = 0; i < 4; i++) if (a[at + i] !== b[bt + i]) return a[at + i]! < b[bt + i]! ? -1 : 1
  return 0
}
