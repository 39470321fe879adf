import type { HeatMap } from '../../../contract.ts'
import { binEdge, binOf, BINS_PER_OCTAVE, DURATION_BINS } from '../../../duration-bins.ts'
import type { BlockRows } from '../../block/rows.ts'
import type { Turn } from '../turn.ts'
import { Counted } from './counted.ts'
import { compareKept, EXEMPLAR_BYTES, exemplarOf, isBefore, keptOf, type Kept } from './exemplars.ts'
import { PartReader, PartWriter, type WrittenPart } from './part-form.ts'
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

/** Some of one part of the time and one row that were counted elsewhere, and the longest of them. */
export interface CountedCell {
  readonly time: number
  /** One of the row's bins. */
  readonly bin: number
  readonly count: number
  readonly errors: number
  readonly longest: Kept
}

/** Parts of the time. */
type CellTimes = Pick<TimeBins, 'count' | 'of'>

/** Fine rows of durations, by time. */
export class Cells {
  readonly #time: CellTimes
  readonly #turn: Turn
  readonly #counts: Uint32Array
  readonly #errors: Uint32Array
  readonly #longest: (Kept | undefined)[]
  readonly #longestNs: Float64Array
  readonly #counted = new Counted()

  constructor(time: CellTimes, turn: Turn) {
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

  /** All that was counted, to be added elsewhere: of each cell that is not empty how far it is from the one before, its counts and the longest. */
  part(): WrittenPart {
    const out = new PartWriter()
    let last = 0
    for (let cell = 0; cell < this.#counts.length; cell++) {
      if (this.#counts[cell] === 0) continue
      const longest = this.#longest[cell]
      out.numbers(cell - last, this.#counts[cell]!, this.#errors[cell]!)
      // There may have been no memory for it.
      out.exemplars(longest ? [longest] : [])
      last = cell
    }
    return out.take()
  }

  /** Adds such a part. `timeOf`: which of the parts of this one's time those of the other are. */
  addCells(part: WrittenPart, timeOf: (time: number) => number): void {
    if (this.#counts.length === 0) return
    const input = new PartReader(part)
    for (let at = 0; !input.isDone;) {
      at += input.number()
      const cell = timeOf(Math.floor(at / ROWS)) * ROWS + (at % ROWS)
      this.#counts[cell]! += input.number()
      this.#errors[cell]! += input.number()
      for (let left = input.number(); left > 0; left--) this.#nameWritten(cell, input)
    }
  }

  #nameWritten(cell: number, input: PartReader): void {
    input.exemplar(
      (durationNs) => durationNs >= this.#longestNs[cell]!,
      (kept) => this.#nameKept(cell, kept),
    )
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
