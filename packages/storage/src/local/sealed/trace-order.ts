import type { SpanColumns } from '@spoor/otlp'
import { hashWords } from '../block/hash.ts'
import { inPieces } from './pieces.ts'
import type { Hold } from './specimen.ts'
import { StartSorter } from './start-sorter.ts'

/** Spans in the order of their traces. */
export interface TraceOrder {
  /** By trace id and, within a trace, by start. */
  readonly order: Uint32Array
  /** By place in {@link order}: the number of its trace; traces are numbered in this order. */
  readonly trace: Uint32Array
  /** The first place of each trace; one more than there are traces. */
  readonly first: Uint32Array
}

/** Of some spans, by trace id and, within a trace, by start. `hold`: see `specimen.ts`. */
export function orderOf(columns: SpanColumns, rows: Uint32Array, hold?: Hold): TraceOrder {
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
  const sorter = new StartSorter(columns, order)
  hold?.(sorter)
  inPieces(traces.length, (from, to) => sorter.sort(first, from, to))
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

function insertById(
  words: Uint32Array,
  spans: readonly number[],
  start: number,
  end: number,
  traces: Uint32Array,
): void {
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
