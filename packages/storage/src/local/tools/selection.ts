import { startOf, type BlockRows } from '../block/rows.ts'
import type { Block } from '../read/block.ts'
import { NO, UNKNOWN, type CompiledFilter } from '../read/filter.ts'
import { SpanView } from '../read/span-view.ts'
import { TraceIds } from '../read/trace-ids.ts'
import type { Turn } from '../read/turn.ts'
import { StorageError } from '../../contract.ts'
import type { Work } from './work.ts'

/** Some rows of a block: a bit for each. */
export class RowSet {
  size = 0
  readonly #bits: Uint8Array

  constructor(rows: number) {
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

/** Which spans are asked for; times are nanoseconds since 1970, both inclusive. */
export interface Wanted {
  readonly from: bigint
  readonly to: bigint
  readonly filter: CompiledFilter | undefined
}

/** The rows of each block that are wanted; undefined where there are none, or they cannot be read. */
export type Selection = (RowSet | undefined)[]

export async function selectRows(blocks: readonly Block[], wanted: Wanted, turn: Turn, work: Work): Promise<Selection> {
  const selection: Selection = []
  for (const block of blocks) {
    selection.push(await selectIn(block, wanted, turn))
    await work.done('looking', 0)
  }
  return selection
}

/** The rows of all spans of the traces that have a span in `selection`. Throws StorageError `overloaded` where that are too many traces. */
export async function widenToTraces(
  blocks: readonly Block[],
  selection: Selection,
  turn: Turn,
  work: Work,
): Promise<Selection> {
  const ids = new TraceIds(turn, 0, () => {})
  await eachRows(blocks, turn, work, (rows, index) => {
    const selected = selection[index]
    if (!selected) return
    for (const row of selected.members(rows.count)) {
      if (ids.add(rows.traceIds, 4 * rows.trace[row]!) >= 0) continue
      throw new StorageError('overloaded', `more than ${ids.size} traces match; ask for a shorter time range`)
    }
  })
  const widened: Selection = blocks.map(() => undefined)
  await eachRows(blocks, turn, work, (rows, index) => {
    const isIn = Uint8Array.from({ length: rows.traceCount }, (_, trace) =>
      ids.find(rows.traceIds, 4 * trace) >= 0 ? 1 : 0,
    )
    const set = new RowSet(rows.count)
    for (let row = 0; row < rows.count; row++) if (isIn[rows.trace[row]!]) set.add(row)
    if (set.size > 0) widened[index] = set
  })
  return widened
}

/** Goes through the rows of all blocks that can be read. */
export async function eachRows(
  blocks: readonly Block[],
  turn: Turn,
  work: Work,
  visit: (rows: BlockRows, index: number) => void,
): Promise<void> {
  for (const [index, block] of blocks.entries()) {
    const rows = block.spans > 0 ? turn.attempt(() => block.rows()) : undefined
    if (rows) visit(rows, index)
    await work.done('looking', 0)
  }
}

async function selectIn(block: Block, { from, to, filter }: Wanted, turn: Turn): Promise<RowSet | undefined> {
  if (block.maxStart < from || block.minStart > to) return undefined
  if (block.damaged) turn.incomplete = true
  if (block.spans === 0 || (filter && !filter.mayMatch(block))) return undefined
  const rows = turn.attempt(() => block.rows())
  if (!rows) return undefined
  const set = new RowSet(rows.count)
  const whole = block.minStart >= from && block.maxStart <= to
  const judge = filter?.judge(rows)
  const view = new SpanView(block, rows)
  for (let row = 0; row < rows.count; row++) {
    if (!whole && !startsIn(rows, row, from, to)) continue
    const verdict = judge?.(row)
    if (verdict === NO) continue
    if (verdict === UNKNOWN) {
      if (turn.work(300)) await turn.breathe()
      const inflated = turn.attempt(() => view.moveTo(row))
      if (inflated === undefined || !filter!.test(view, rows)) continue
      turn.work(inflated)
    }
    set.add(row)
  }
  return set.size > 0 ? set : undefined
}

function startsIn(rows: BlockRows, row: number, from: bigint, to: bigint): boolean {
  const start = startOf(rows, row)
  return start >= from && start <= to
}
