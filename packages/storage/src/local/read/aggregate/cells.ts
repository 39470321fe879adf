import type { HeatMap } from '../../../contract.ts'
import { binEdge, binOf, BINS_PER_OCTAVE, DURATION_BINS } from '../../../duration-bins.ts'
import type { BlockRows } from '../../block/rows.ts'
import type { Turn } from '../turn.ts'
import { Counted } from './counted.ts'
import { compareKept, EXEMPLAR_BYTES, exemplarOf, isBefore, keptOf, type Kept } from './exemplars.ts'
import type { TimeBins } from './time-bins.ts'

/** Rows to a factor of two while it is being counted; as many of these as need be are one bin in the end. */
export const ROWS_PER_OCTAVE = 8
const BINS_PER_ROW = BINS_PER_OCTAVE / ROWS_PER_OCTAVE
/** Row 0 is that of 0. */
const ROWS = (DURATION_BINS - 2) / BINS_PER_ROW + 1
/** Counts, and the longest with its duration. */
const CELL_BYTES = 24
/** What counting a row costs, and holding its ids against others, in units of {@link Turn.work}. */
const ROW_UNITS = 100
const NAME_UNITS = 200
const ID_BYTES = 24
const NO_IDS = new Uint8Array(ID_BYTES)

/** Cells that are not empty, ascending, and the longest of each. */
export interface CellsPart {
  readonly cells: Uint32Array
  readonly counts: Uint32Array
  readonly errors: Uint32Array
  /** Nanoseconds. */
  readonly longestNs: Float64Array
  readonly hasError: Uint8Array
  /** Trace id and span id of each. */
  readonly ids: Buffer
}

/** Some of one part of the time and one row that were counted elsewhere, and the longest of them. */
export interface CountedCell {
  readonly time: number
  /** One of the row's bins. */
  readonly bin: number
  readonly count: number
  readonly errors: number
  readonly longest: Kept
}

/** Fine rows of durations, by time. */
export class Cells {
  readonly #time: TimeBins
  readonly #turn: Turn
  readonly #counts: Uint32Array
  readonly #errors: Uint32Array
  readonly #longest: (Kept | undefined)[]
  readonly #longestNs: Float64Array
  readonly #counted = new Counted()

  constructor(time: TimeBins, turn: Turn) {
    this.#time = time
    this.#turn = turn
    const size = turn.reserve(CELL_BYTES * time.count * ROWS) ? time.count * ROWS : 0
    this.#counts = new Uint32Array(size)
    this.#errors = new Uint32Array(size)
    this.#longestNs = new Float64Array(size).fill(-1)
    this.#longest = Array.from({ length: size })
  }

  async add(rows: BlockRows, wanted: Uint8Array): Promise<void> {
    const counted = this.#counted
    for (let row = 0; row < wanted.length; row++) {
      if (!wanted[row]) continue
      if (this.#turn.work(ROW_UNITS) && (await this.#turn.breathe())) return
      counted.moveTo(rows, row)
      const bin = binOf(counted.durationNs)
      const cell = this.#time.of(counted.startHi, counted.startLo) * ROWS + Math.ceil(bin / BINS_PER_ROW)
      this.#counts[cell]!++
      if (counted.error) this.#errors[cell]!++
      if (counted.durationNs >= this.#longestNs[cell]!) this.#name(cell, counted)
    }
  }

  /** It is not shorter than the longest of its cell. */
  #name(cell: number, counted: Counted): void {
    this.#turn.work(NAME_UNITS)
    const longest = this.#longest[cell]
    if (longest ? !isBefore(counted, longest) : !this.#turn.reserve(EXEMPLAR_BYTES)) return
    this.#longest[cell] = keptOf(counted)
    this.#longestNs[cell] = counted.durationNs
  }

  addPart({ time, bin, count, errors, longest }: CountedCell): void {
    if (this.#counts.length === 0) return
    const cell = time * ROWS + Math.ceil(bin / BINS_PER_ROW)
    this.#counts[cell]! += count
    this.#errors[cell]! += errors
    this.#nameKept(cell, longest)
  }

  #nameKept(cell: number, longest: Kept): void {
    const known = this.#longest[cell]
    if (known ? compareKept(longest, known) > 0 : !this.#turn.reserve(EXEMPLAR_BYTES)) return
    this.#longest[cell] = longest
    this.#longestNs[cell] = longest.durationNs
  }

  /** All that was counted, to be added elsewhere. */
  part(): CellsPart {
    const used = Uint32Array.from(Array.from(this.#counts.keys()).filter((cell) => this.#counts[cell]! > 0))
    const ids = Buffer.alloc(ID_BYTES * used.length)
    for (const [i, cell] of used.entries()) ids.set(this.#longest[cell]?.ids ?? NO_IDS, ID_BYTES * i)
    return {
      cells: used,
      counts: used.map((cell) => this.#counts[cell]!),
      errors: used.map((cell) => this.#errors[cell]!),
      longestNs: Float64Array.from(used, (cell) => this.#longestNs[cell]!),
      hasError: Uint8Array.from(used, (cell) => (this.#longest[cell]?.error ? 1 : 0)),
      ids,
    }
  }

  /** Adds such a part, whose time begins with part `time` of this one's. */
  addCells({ cells, counts, errors, longestNs, hasError, ids }: CellsPart, time: number): void {
    if (this.#counts.length === 0) return
    for (let i = 0; i < cells.length; i++) {
      const cell = time * ROWS + cells[i]!
      this.#counts[cell]! += counts[i]!
      this.#errors[cell]! += errors[i]!
      if (longestNs[i]! < this.#longestNs[cell]!) continue
      // A copy: what is answered must not hold the part.
      const own = Buffer.from(ids.subarray(ID_BYTES * i, ID_BYTES * (i + 1)))
      this.#nameKept(cell, { ids: own, durationNs: longestNs[i]!, error: hasError[i] === 1 })
    }
  }

  /** In at most so many bins of the same ratio, over what is in use. */
  folded(maxBins: number): Pick<HeatMap, 'edgesNs' | 'counts' | 'errors' | 'exemplars'> {
    const used = Array.from({ length: ROWS }, (_, row) => row).filter((row) => this.#isUsed(row))
    const [first = 0, last = 0] = [used[0], used.at(-1)]
    const ratio = Math.ceil((last - first + 1) / maxBins)
    const begins: number[] = []
    for (let row = first; row <= last; row += ratio)
      if (rowEdge(row) < rowEdge(Math.min(row + ratio, ROWS))) begins.push(row)
    const bins = begins.length
    const counts = new Uint32Array(this.#time.count * bins)
    const errors = new Uint32Array(counts.length)
    const longest: (Kept | undefined)[] = Array.from({ length: counts.length })
    for (let time = 0; time < this.#time.count; time++) {
      for (const [duration, begin] of begins.entries()) {
        const bin = time * bins + duration
        for (let row = begin; row < Math.min(begin + ratio, ROWS); row++) {
          const cell = time * ROWS + row
          counts[bin]! += this.#counts[cell] ?? 0
          errors[bin]! += this.#errors[cell] ?? 0
          longest[bin] = this.#longest[cell] ?? longest[bin]
        }
      }
    }
    return {
      edgesNs: [...begins.map(rowEdge), rowEdge(Math.min(begins.at(-1)! + ratio, ROWS))],
      counts,
      errors,
      exemplars: longest.flatMap((kept, bin) => (kept ? [{ bin, ...exemplarOf(kept) }] : [])),
    }
  }

  #isUsed(row: number): boolean {
    for (let cell = row; cell < this.#counts.length; cell += ROWS) if (this.#counts[cell]! > 0) return true
    return false
  }
}

/** The least duration of a row, nanoseconds. */
function rowEdge(row: number): number {
  return binEdge(row === 0 ? 0 : (row - 1) * BINS_PER_ROW + 1)
}
