import { StorageError, type Filter, type Order, type SearchQuery, type TraceSummary } from '../../contract.ts'
import { startOf, type BlockRows } from '../block/rows.ts'
import type { Block } from './block.ts'
import { compileFilter, NO, UNKNOWN, YES, type CompiledFilter } from './filter.ts'
import { SpanView } from './span-view.ts'
import type { Turn } from './turn.ts'

const DEFAULT_LIMIT = 20
const MAX_LIMIT = 10_000
const ROW_UNITS = 20
const CONDITION_UNITS = 20

/** A query that has been checked. */
export interface Plan {
  readonly filter: CompiledFilter | undefined
  /** What asking the filter of one row costs, in units of {@link Turn.work}. */
  readonly rowUnits: number
  readonly from: bigint
  readonly to: bigint
  readonly minDuration: number
  readonly maxDuration: number
  readonly order: Order
  readonly limit: number
  /** Only traces after this one, in the order. */
  readonly after: Position | undefined
}

/** What of a summary decides its place. */
type Extent = Pick<TraceSummary, 'start' | 'durationNs' | 'spans' | 'errors'>

/** A trace's place in the order: its key, then its id. Smaller ones come first. */
export interface Position {
  readonly key: bigint
  readonly traceId: string
}

export function planOf(query: SearchQuery, turn: Turn): Plan {
  const order = query.order ?? 'newest'
  if (!Object.hasOwn(KEYS, order))
    throw new StorageError('bad_query', `order is ${order}; one of ${Object.keys(KEYS).join(', ')}`)
  const limit = query.limit ?? DEFAULT_LIMIT
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw new StorageError('bad_query', `limit is ${limit}; a whole number from 1 to ${MAX_LIMIT}`)
  }
  const filter = filterOf(query)
  const compiled = filter && compileFilter(filter, turn)
  return {
    filter: compiled,
    rowUnits: ROW_UNITS + CONDITION_UNITS * (compiled?.conditions ?? 0),
    from: query.from ?? 0n,
    to: query.to ?? (1n << 64n) - 1n,
    minDuration: query.minTraceDurationNs ?? -Infinity,
    maxDuration: query.maxTraceDurationNs ?? Infinity,
    order,
    limit,
    after: query.cursor === undefined ? undefined : decodeCursor(query.cursor, order),
  }
}

function filterOf({ filter, spans }: SearchQuery): Filter | undefined {
  if (!spans) return filter
  if (filter) throw new StorageError('bad_query', 'spans and filter are both given; filter is short for spans')
  if (spans.op !== 'spans') throw new StorageError('bad_query', `spans: this engine has no sets of ${spans.op} yet`)
  return spans.filter
}

export function positionOf(trace: Extent & { readonly traceId: string }, order: Order): Position {
  return { key: KEYS[order]!(trace), traceId: trace.traceId }
}

const KEYS: Readonly<Partial<Record<Order, (extent: Extent) => bigint>>> = {
  newest: ({ start }) => -start,
  oldest: ({ start }) => start,
  longest: ({ durationNs }) => -BigInt(durationNs),
  shortest: ({ durationNs }) => BigInt(durationNs),
  most_spans: ({ spans }) => -BigInt(spans),
  most_errors: ({ errors }) => -BigInt(errors),
}

export function comparePositions(a: Position, b: Position): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : a.traceId < b.traceId ? -1 : a.traceId > b.traceId ? 1 : 0
}

export function encodeCursor(order: Order, { key, traceId }: Position): string {
  return Buffer.from(`${order} ${key} ${traceId}`).toString('base64url')
}

function decodeCursor(cursor: string, order: Order): Position {
  const match = /^(\w+) (-?\d{1,40}) ([0-9a-f]{32})$/.exec(Buffer.from(cursor, 'base64url').toString())
  if (!match || match[1] !== order) {
    throw new StorageError(
      'bad_query',
      `cursor: not one of an earlier page with order ${order}; start without a cursor`,
    )
  }
  return { key: BigInt(match[2]!), traceId: match[3]! }
}

export function hasDuration({ durationNs }: { readonly durationNs: number }, plan: Plan): boolean {
  return durationNs >= plan.minDuration && durationNs <= plan.maxDuration
}

export function isWanted(trace: TraceSummary, plan: Plan): boolean {
  if (!hasDuration(trace, plan)) return false
  return plan.after === undefined || comparePositions(positionOf(trace, plan.order), plan.after) > 0
}

/** Whether the block's times meet those that are asked for. Where spans of these times are lost, the answer is not complete. */
export function isInRange(block: Block, { from, to }: Pick<Plan, 'from' | 'to'>, turn: Turn): boolean {
  if (block.maxStart < from || block.minStart > to) return false
  if (block.damaged) turn.incomplete = true
  return block.spans > 0
}

/** What was found: the best first, and whether there is more. */
export interface Found {
  readonly traces: TraceSummary[]
  readonly more: boolean
}

/**
 * The block's rows and a mark for each of its traces that has a matching span in it; undefined when it has none. Ends when `share` of the
 * query's time is over, with what it has.
 */
export async function matchesIn(
  block: Block,
  plan: Plan,
  turn: Turn,
  share: number,
): Promise<{ rows: BlockRows; matched: Uint8Array } | undefined> {
  const rows = turn.attempt(() => (plan.filter && !plan.filter.mayMatch(block) ? undefined : block.rows()))
  if (!rows) return undefined
  const judge = plan.filter?.judge(rows)
  const whole = block.minStart >= plan.from && block.maxStart <= plan.to
  const matched = new Uint8Array(rows.traceCount)
  let view: SpanView | undefined
  for (let row = 0; row < rows.count; row++) {
    turn.spans++
    if (turn.work(plan.rowUnits) && (await turn.breathe(share))) break
    const trace = rows.trace[row]!
    if (matched[trace]) continue
    if (!whole && !startsIn(rows, row, plan)) continue
    const verdict = judge ? judge(row) : YES
    if (verdict === NO) continue
    if (verdict === UNKNOWN) {
      view ??= new SpanView(block, rows)
      turn.work(300)
      // Damage of one frame must not take all others from the search.
      if (!view.moveWithin(row) && !isReadable(view, row, turn)) continue
      if (!plan.filter!.test(view, rows)) continue
    }
    matched[trace] = 1
  }
  return { rows, matched }
}

function isReadable(view: SpanView, row: number, turn: Turn): boolean {
  const inflated = turn.attempt(() => view.moveTo(row))
  turn.work(inflated ?? 0)
  return inflated !== undefined
}

function startsIn(rows: BlockRows, row: number, { from, to }: Plan): boolean {
  const start = startOf(rows, row)
  return start >= from && start <= to
}
