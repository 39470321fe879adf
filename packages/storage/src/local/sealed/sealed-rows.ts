import { MAX_DURATION_NS, type BlockRows, type Frame, type OperationKey } from '../block/rows.ts'
import { LEVEL, SPAN_HEADERS, SPAN_ID } from './column.ts'
import { Numbers } from './number-column.ts'
import type { SectionColumns } from './section-columns.ts'
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
      for (let row = 0; row < this.count; row++) {
        const distance = parents.value[row]!
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
      return ids
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
        const endLo = startLo[row]! + durations.lo(row)
        const endHi = startHi[row]! + durations.hi(row) + (endLo >= WORD ? 1 : 0)
        const duration = ((endHi >>> 0) - startHi[row]!) * WORD + ((endLo >>> 0) - startLo[row]!)
        durationNs[row] = Math.max(-MAX_DURATION_NS, Math.min(MAX_DURATION_NS, duration))
      }
      return durationNs
    })
  }

  /** When a span ends, in 64 bits. */
  end(row: number): { readonly endLo: number; readonly endHi: number } {
    const durations = this.#durations
    const lo = this.startLo[row]! + durations.lo(row)
    return { endLo: lo >>> 0, endHi: (this.startHi[row]! + durations.hi(row) + (lo >= WORD ? 1 : 0)) >>> 0 }
  }

  get #durations(): Numbers {
    return this.#once('durations', () => this.#numbers(DURATION))
  }

  /** A sealed span lies nowhere as it came: all are as if of the mean length, one after the other. */
  get spanStart(): Uint32Array {
    return this.#once('spanStart', () => Uint32Array.from({ length: this.count }, (_, row) => row * this.#meanBytes()))
  }

  get spanEnd(): Uint32Array {
    return this.#once('spanEnd', () => Uint32Array.from(this.spanStart, (start) => start + this.#meanBytes()))
  }

  get traceCount(): number {
    return this.#traces.count
  }

  get traceIds(): Uint32Array {
    return this.#traces.ids
  }

  get operations(): OperationKey[] {
    return this.#columns.head.operations as OperationKey[]
  }

  get groupCount(): number {
    return this.#columns.head.resourceOf.length
  }

  get groups(): Uint32Array {
    return this.#once('groups', () => new Uint32Array(4 * this.groupCount))
  }

  get frames(): Frame[] {
    return []
  }

  #meanBytes(): number {
    const { rawBytes, spans } = this.#columns.file.meta
    return Math.round(rawBytes / Math.max(1, spans))
  }

  #starts(): { readonly lo: Uint32Array; readonly hi: Uint32Array } {
    return this.#once('starts', () => {
      const { first, start, count } = this.#traces
      const deltas = this.#numbers(START)
      const lo = new Uint32Array(this.count)
      const hi = new Uint32Array(this.count)
      const [baseLo, baseHi] = [Number(this.#minStart & 0xffffffffn), Number(this.#minStart >> 32n)]
      for (let trace = 0; trace < count; trace++) {
        let [atLo, atHi] = [baseLo + start.lo(trace), baseHi + start.hi(trace)]
        for (let row = first[trace]! - this.from; row < first[trace + 1]! - this.from; row++) {
          atLo += deltas.lo(row)
          atHi += deltas.hi(row)
          if (atLo >= WORD) {
            atHi += Math.floor(atLo / WORD)
            atLo %= WORD
          }
          lo[row] = atLo
          hi[row] = atHi
        }
      }
      return { lo, hi }
    })
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
    if (value === undefined) this.#values.set(name, (value = load()))
    return value
  }
}
