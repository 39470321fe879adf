import { MAX_DURATION_NS, NO_PARENT, NOT_HERE, type BlockRows, type Frame, type OperationKey } from '../block/rows.ts'
import { LEVEL, SPAN_HEADERS, SPAN_ID } from './column.ts'
import type { SpanFields } from './message-writer.ts'
import type { Numbers } from './number-column.ts'
import type { SectionColumns } from './section-columns.ts'
import { inPieces } from './pieces.ts'
import { parentRow } from './span-headers.ts'

const [START, DURATION, PARENT, GROUP] = SPAN_HEADERS as [
  (typeof SPAN_HEADERS)[0],
  (typeof SPAN_HEADERS)[0],
  (typeof SPAN_HEADERS)[0],
  (typeof SPAN_HEADERS)[0],
]
const WORD = 2 ** 32

/** The traces of a section, or one of them. */
export interface SealedTraces {
  readonly count: number
  /** Four words each. */
  readonly ids: Uint32Array
  /** First row of each, counted from the section's; one more than there are traces. */
  readonly first: Uint32Array
  /** First start, nanoseconds after the section's. */
  readonly start: Numbers
}

/** What templates take of some rows, moved from one to the other. */
export class RowFields implements SpanFields {
  readonly traceIds: Uint8Array
  readonly spanIds: Uint8Array
  readonly parentIds: Uint8Array
  traceAt = 0
  idAt = 0
  startLo = 0
  startHi = 0
  endLo = 0
  endHi = 0
  readonly #trace: Uint32Array
  readonly #startLo: Uint32Array
  readonly #startHi: Uint32Array
  readonly #durations: Numbers

  constructor(rows: SealedRows, durations: Numbers) {
    this.traceIds = bytesOf(rows.traceIds)
    this.spanIds = bytesOf(rows.spanId)
    this.parentIds = bytesOf(rows.parentId)
    this.#trace = rows.trace
    this.#startLo = rows.startLo
    this.#startHi = rows.startHi
    this.#durations = durations
  }

  moveTo(row: number): void {
    this.traceAt = 16 * this.#trace[row]!
    this.idAt = 8 * row
    this.startLo = this.#startLo[row]!
    this.startHi = this.#startHi[row]!
    const lo = this.startLo + this.#durations.lo(row)
    this.endLo = lo
    this.endHi = this.startHi + this.#durations.hi(row) + (lo >= WORD ? 1 : 0)
  }
}

function bytesOf(ids: Uint32Array): Uint8Array {
  return new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength)
}

/** Rows of a section. Each column is read when it is first asked for. */
export class SealedRows implements BlockRows {
  readonly count: number
  /** The section's number of the first row. */
  readonly from: number
  readonly #columns: SectionColumns
  readonly #traces: SealedTraces
  readonly #minStart: bigint
  readonly #values = new Map<string, unknown>()

  /** All rows of some traces that follow one another. */
  constructor(columns: SectionColumns, traces: SealedTraces, minStart: bigint) {
    this.#columns = columns
    this.#traces = traces
    this.#minStart = minStart
    this.from = traces.first[0]!
    this.count = traces.first[traces.count]! - this.from
  }

  /** The first row of each trace, counted from the section's; one more than there are traces. */
  get first(): Uint32Array {
    return this.#traces.first
  }

  get trace(): Uint32Array {
    return this.#once('trace', () => {
      const { first, count } = this.#traces
      const trace = new Uint32Array(this.count)
      for (let i = 0; i < count; i++) trace.fill(i, first[i]! - this.from, first[i + 1]! - this.from)
      return trace
    })
  }

  get operation(): Uint32Array {
    return this.#once('operation', () => this.#ofShape(new Uint32Array(this.count), this.#columns.head.operationOf))
  }

  get status(): Uint8Array {
    return this.#once('status', () => this.#ofShape(new Uint8Array(this.count), this.#columns.head.statusOf))
  }

  get group(): Uint32Array {
    return this.#once('group', () => Uint32Array.from(this.#numbers(GROUP).value))
  }

  get spanId(): Uint32Array {
    return this.#once('spanId', () => this.#ids())
  }

  get parentId(): Uint32Array {
    return this.#once('parentId', () => {
      const parents = this.#numbers(PARENT)
      const { spanId } = this
      const ids = new Uint32Array(2 * this.count)
      inPieces(this.count, (from, to) => putParents(parents, spanId, from, to, ids))
      return ids
    })
  }

  get parentRow(): Int32Array {
    return this.#once('parentRow', () => {
      const { value } = this.#numbers(PARENT)
      return Int32Array.from(value, (distance, row) =>
        distance === 0 ? NO_PARENT : distance < 0 ? NOT_HERE : parentRow(row, distance),
      )
    })
  }

  get startLo(): Uint32Array {
    return this.#starts().lo
  }

  get startHi(): Uint32Array {
    return this.#starts().hi
  }

  get durationNs(): Float64Array {
    return this.#once('durationNs', () => {
      const durations = this.#durations
      const { lo: startLo, hi: startHi } = this.#starts()
      const durationNs = new Float64Array(this.count)
      for (let row = 0; row < this.count; row++) {
        const duration = durations.value[row]!
        // Those of clocks that went back, and of times far off, are beyond 2^53 or lead beyond 2^64.
        durationNs[row] =
          duration >= 0 && startHi[row]! < FAR
            ? duration
            : signedDuration(startLo[row]!, startHi[row]!, durations.lo(row), durations.hi(row))
      }
      return durationNs
    })
  }

  /** What templates take of the rows. */
  fields(): RowFields {
    return new RowFields(this, this.#durations)
  }

  get #durations(): Numbers {
    return this.#once('durations', () => this.#numbers(DURATION))
  }

  /** A sealed span lies nowhere as it came: all are as if of the mean length, one after the other. */
  get spanStart(): Uint32Array {
    return this.#once('spanStart', () => Uint32Array.from({ length: this.count }, (_, row) => row * this.meanBytes))
  }

  get spanEnd(): Uint32Array {
    return this.#once('spanEnd', () => Uint32Array.from(this.spanStart, (start) => start + this.meanBytes))
  }

  get traceCount(): number {
    return this.#traces.count
  }

  get traceIds(): Uint32Array {
    return this.#traces.ids
  }

  get operations(): OperationKey[] {
    return this.#columns.operations
  }

  get groupCount(): number {
    return this.#columns.head.resourceOf.length
  }

  /** Numbers of the resource and the scope take the places where they would begin and end. */
  get groups(): Uint32Array {
    return this.#once('groups', () => {
      const { resourceOf, scopeOf } = this.#columns.head
      return Uint32Array.from({ length: 4 * this.groupCount }, (_, i) => (i % 4 < 2 ? resourceOf : scopeOf)[i >> 2]!)
    })
  }

  get frames(): Frame[] {
    return []
  }

  /** Of a span as it came. */
  get meanBytes(): number {
    const { rawBytes, spans } = this.#columns.file.meta
    return Math.round(rawBytes / Math.max(1, spans))
  }

  #starts(): { readonly lo: Uint32Array; readonly hi: Uint32Array } {
    return this.#once('starts', () => {
      const deltas = this.#numbers(START)
      const lo = new Uint32Array(this.count)
      const hi = new Uint32Array(this.count)
      inPieces(this.#traces.count, (from, to) => this.#putStarts(deltas, from, to, lo, hi))
      return { lo, hi }
    })
  }

  /** Those of some traces. */
  #putStarts(deltas: Numbers, from: number, to: number, lo: Uint32Array, hi: Uint32Array): void {
    const { first, start } = this.#traces
    const { value } = deltas
    const baseLo = Number(this.#minStart & 0xffffffffn)
    const baseHi = Number(this.#minStart >> 32n)
    for (let trace = from; trace < to; trace++) {
      let atLo = baseLo + start.lo(trace)
      let atHi = baseHi + start.hi(trace)
      const end = first[trace + 1]! - this.from
      for (let row = first[trace]! - this.from; row < end; row++) {
        const delta = value[row]!
        if (delta >= 0 && delta < WORD) atLo += delta
        else {
          atLo += deltas.lo(row)
          atHi += deltas.hi(row)
        }
        if (atLo >= WORD) {
          atLo -= WORD
          atHi++
        }
        lo[row] = atLo
        hi[row] = atHi
      }
    }
  }

  #ofShape<T extends Uint32Array | Uint8Array>(out: T, of: T): T {
    for (const chunk of this.#columns.chunks(LEVEL.span, this.from, this.from + this.count)) {
      const shapes = this.#columns.shapes(LEVEL.span, chunk)
      const first = chunk.first[LEVEL.span]!
      const end = Math.min(first + shapes.length, this.from + this.count)
      for (let row = Math.max(first, this.from); row < end; row++) out[row - this.from] = of[shapes[row - first]!]!
    }
    return out
  }

  #ids(): Uint32Array {
    const ids = new Uint8Array(8 * this.count)
    const column = this.#columns.need(SPAN_ID)
    for (const chunk of this.#columns.chunks(LEVEL.span, this.from, this.from + this.count)) {
      const bits = this.#columns.file.bits(chunk, column)
      if (!bits) throw new RangeError('a chunk has no span ids')
      const first = chunk.first[LEVEL.span]!
      const from = Math.max(first, this.from)
      const to = Math.min(first + chunk.rows[LEVEL.span]!, this.from + this.count)
      const bytes = new Uint8Array(bits.view.buffer, bits.view.byteOffset + bits.at / 8, bits.length)
      ids.set(bytes.subarray(8 * (from - first), 8 * (to - first)), 8 * (from - this.from))
    }
    return new Uint32Array(ids.buffer)
  }

  #numbers(name: (typeof SPAN_HEADERS)[0]): Numbers {
    return this.#columns.numbers(name, this.from, this.from + this.count)
  }

  #once<T>(name: string, load: () => T): T {
    let value = this.#values.get(name) as T | undefined
    if (value === undefined) this.#values.set(name, (value = this.#columns.file.reading(load)))
    return value
  }
}

function putParents(parents: Numbers, spanId: Uint32Array, from: number, to: number, ids: Uint32Array): void {
  const { value } = parents
  for (let row = from; row < to; row++) {
    const distance = value[row]!
    if (distance === 0) continue
    if (distance < 0) {
      ids[2 * row] = parents.lo(row)
      ids[2 * row + 1] = parents.hi(row)
    } else {
      const parent = parentRow(row, distance)
      ids[2 * row] = spanId[2 * parent]!
      ids[2 * row + 1] = spanId[2 * parent + 1]!
    }
  }
}

/** Words of a time from which on a duration below 2^53 may lead beyond 2^64. */
const FAR = WORD - (1 << 21) - 1

/** The duration of a span whose end is `start + duration` in 64 bits, as the scanner has it. */
function signedDuration(startLo: number, startHi: number, lo: number, hi: number): number {
  const endLo = startLo + lo
  const endHi = startHi + hi + (endLo >= WORD ? 1 : 0)
  const duration = ((endHi >>> 0) - startHi) * WORD + ((endLo >>> 0) - startLo)
  return Math.max(-MAX_DURATION_NS, Math.min(MAX_DURATION_NS, duration))
}
