import type { Block } from '../read/block.ts'
import type { Condition } from '../read/filter/condition.ts'
import { matchesIn } from '../read/matches.ts'
import { meets, type Range } from '../read/range.ts'
import { TraceIds } from '../read/trace-ids.ts'
import type { Turn } from '../read/turn.ts'
import { StorageError } from '../../contract.ts'
import { eachRows, type StoreBlocks } from './store-blocks.ts'

/** Some rows of a block: a bit for each. */
export class RowSet {
  size = 0
  /** Of the block. */
  readonly rows: number
  readonly #bits: Uint8Array

  constructor(rows: number) {
    this.rows = rows
    this.#bits = new Uint8Array((rows + 7) >> 3)
  }

  has(row: number): boolean {
    return (this.#bits[row >> 3]! & (1 << (row & 7))) !== 0
  }

  add(row: number): void {
    if (this.has(row)) return
    this.#bits[row >> 3]! |= 1 << (row & 7)
    this.size++
  }

  delete(row: number): void {
    if (!this.has(row)) return
    this.#bits[row >> 3]! &= ~(1 << (row & 7))
    this.size--
  }

  /** Ascending. */
  members(rows: number): Uint32Array {
    const members = new Uint32Array(this.size)
    let at = 0
    for (let row = 0; at < this.size && row < rows; row++) if (this.has(row)) members[at++] = row
    return members
  }
}

/** Which spans are asked for. */
export interface Wanted {
  readonly range: Range
  readonly condition: Condition | undefined
}

/** The rows of each block that are wanted, by the block's number. */
export type Selection = Map<number, RowSet>

export async function selectRows(blocks: StoreBlocks, wanted: Wanted, turn: Turn): Promise<Selection> {
  const selection: Selection = new Map()
  await blocks.each(async (block, number) => {
    const set = await selectIn(block, wanted, turn)
    if (set) selection.set(number, set)
  })
  return selection
}

/** The rows of all spans of the traces that have a span in `selection`. Throws StorageError `overloaded` where that are too many traces. */
export async function widenToTraces(blocks: StoreBlocks, selection: Selection, turn: Turn): Promise<Selection> {
  const ids = new TraceIds(turn, 0, () => {})
  await eachRows(blocks, turn, (rows, number) => {
    for (const row of selection.get(number)?.members(rows.count) ?? []) {
      if (ids.add(rows.traceIds, 4 * rows.trace[row]!) >= 0) continue
      throw new StorageError('overloaded', `more than ${ids.size} traces match; ask for a shorter time range`)
    }
  })
  const widened: Selection = new Map()
  await eachRows(blocks, turn, (rows, number) => {
    const isIn = Uint8Array.from({ length: rows.traceCount }, (_, trace) =>
      ids.find(rows.traceIds, 4 * trace) >= 0 ? 1 : 0,
    )
    const set = new RowSet(rows.count)
    for (let row = 0; row < rows.count; row++) if (isIn[rows.trace[row]!]) set.add(row)
    if (set.size > 0) widened.set(number, set)
  })
  return widened
}

async function selectIn(block: Block, { range, condition }: Wanted, turn: Turn): Promise<RowSet | undefined> {
  if (!meets(block, range, turn)) return undefined
  const found = await matchesIn(block, { condition, anyTime: false, share: 1 }, range, true, turn, 1)
  if (!found) return undefined
  const set = new RowSet(found.rows.count)
  for (let row = 0; row < found.rows.count; row++) if (found.matching[row]) set.add(row)
  return set.size > 0 ? set : undefined
}
