import type { HeatMap, HeatMapQuery, OnPartial } from '../../../contract.ts'
import { binEdge, binOf, BINS_PER_OCTAVE, DURATION_BINS } from '../../../duration-bins.ts'
import type { BlockRows } from '../../block/rows.ts'
import { whole } from '../plan.ts'
import type { Turn } from '../turn.ts'
import { endOf } from './aggregate.ts'
import { Counted } from './counted.ts'
import { compareKept, EXEMPLAR_BYTES, exemplarOf, isBefore, keptOf, type Kept } from './exemplars.ts'
import { Growth } from './growth.ts'
import { wholeOf, type Blocks } from './parts.ts'
import { scopeOf } from './plan.ts'
import { eachCounted, partsOf } from './spans.ts'
import { TimeBins } from './time-bins.ts'

/** Rows to a factor of two while it is being counted; as many of these as need be are one bin in the end. */
export const ROWS_PER_OCTAVE = 8
const BINS_PER_ROW = BINS_PER_OCTAVE / ROWS_PER_OCTAVE
/** Row 0 is that of 0. */
const ROWS = (DURATION_BINS - 2) / BINS_PER_ROW + 1
/** Counts, and the longest with its duration. */
const CELL_BYTES = 24
const ROW_UNITS = 100

/** Counts by time and duration, from columns, block after block. Out of time or memory, what was counted is told. */
export async function heatMap(
  blocks: Blocks,
  query: HeatMapQuery,
  turn: Turn,
  tell?: OnPartial<HeatMap>,
): Promise<HeatMap> {
  const timeBins = whole(query.timeBins ?? 120, 'timeBins', 1, 1_000)
  const durationBins = whole(query.durationBins ?? 24, 'durationBins', 1, 100)
  const scope = scopeOf(query, wholeOf(blocks), turn)
  const time = new TimeBins(scope.from, scope.to, timeBins)
  const cells = new Cells(time, turn)
  const answer = (): HeatMap => ({ ...cells.folded(durationBins), ...endOf(scope, time, turn) })
  const growth = new Growth(turn, partsOf(blocks, scope), answer, tell)
  await eachCounted(blocks, scope, turn, (_, rows, wanted) => cells.add(rows, wanted), growth, { headerOnly: true })
  return answer()
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
    const known = this.#longest[cell]
    if (known ? compareKept(longest, known) > 0 : !this.#turn.reserve(EXEMPLAR_BYTES)) return
    this.#longest[cell] = longest
    this.#longestNs[cell] = longest.durationNs
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
