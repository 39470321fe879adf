import type { BlockRows } from '../../block/rows.ts'
import type { Block } from '../block.ts'
import type { Turn } from '../turn.ts'
import { Cells } from './cells.ts'
import type { CountedBlock, PartCounter } from './kept-spans.ts'
import { bytesOfPart, type WrittenPart } from './part-form.ts'
import { numbersOf, type SectionCounts } from './section-counts.ts'
import type { TimeBins } from './time-bins.ts'

/** Parts of the time that a block's spans are spread over, at most: else it is counted anew. */
const MAX_TIMES = 32

/** A part with the start that its times begin with. */
interface Placed {
  readonly first: bigint
  readonly cells: WrittenPart
}

/** What whole blocks have in a heat map. */
export class CellParts implements PartCounter {
  readonly key: string
  readonly #time: TimeBins
  readonly #cells: Cells
  readonly #turn: Turn

  constructor(time: TimeBins, cells: Cells, turn: Turn) {
    this.key = `cells ${time.grid}`
    this.#time = time
    this.#cells = cells
    this.#turn = turn
  }

  suits({ minStart, maxStart }: Block): boolean {
    return this.#time.around(minStart, maxStart).count <= MAX_TIMES
  }

  async count({ minStart, maxStart }: Block, rows: BlockRows, wanted: Uint8Array): Promise<CountedBlock> {
    const time = this.#time.around(minStart, maxStart)
    return this.#turn.withPart(async (turn) => {
      const own = new Cells(time, turn)
      await own.add(rows, wanted)
      return this.#counted(time, own, turn)
    })
  }

  async fromCounts({ minStart, maxStart }: Block, counts: SectionCounts): Promise<CountedBlock | undefined> {
    const time = this.#time.around(minStart, maxStart)
    const numbers = numbersOf(counts, time)
    if (!numbers) return undefined
    return this.#turn.withPart(async (turn) => {
      const own = new Cells(time, turn)
      own.addCells(counts.cells, (at) => numbers[at]!)
      return this.#counted(time, own, turn)
    })
  }

  #counted({ first }: TimeBins, own: Cells, turn: Turn): CountedBlock {
    const cells = own.part()
    return { part: { first, cells } satisfies Placed, bytes: bytesOfPart(cells), isAll: turn.complete }
  }

  add(part: unknown): void {
    const { first, cells } = part as Placed
    const begin = this.#time.numberOf(first)
    this.#cells.addCells(cells, (time) => begin + time)
  }
}
