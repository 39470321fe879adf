import type { TailQuery } from '../../contract.ts'
import { arrivals, type Arrivals, type TailPosition } from '../../local/read/arrivals.ts'
import { SummaryCache } from '../../local/read/summary-cache.ts'
import type { Query } from '../query.ts'
import { newestBatchSql, newTracesSql } from '../sql/arrivals.ts'
import { tracesSql } from '../sql/spans.ts'
import type { Tables } from '../tables.ts'
import { blocksOf } from './fetch.ts'

/** New spans that one look goes through, with the others of their traces; of more, only the traces that came first are looked at. */
const MAX_TRACES = 5_000
const IDS_AT_ONCE = 300
const DOING = 'looking for what has come'
/** The new spans stand in a segment of their own making. */
const SEGMENT = 0

/** Up to where a listener has heard. */
export interface LookPosition {
  /** The last insert that was looked at. */
  readonly batch: bigint
  readonly told: Uint32Array
}

export interface Look extends Omit<Arrivals, 'position'> {
  readonly position: LookPosition
}

/** Looks at what came after `before`; without it, only where the store ends now. Undefined when the query is over. */
export async function look(
  query: Query,
  tables: Tables,
  asked: TailQuery,
  before: LookPosition | undefined,
): Promise<Look | undefined> {
  const { turn } = query
  // Also what is no query is told by it.
  const none = await arrivals([], asked, undefined, new SummaryCache(), turn)
  const [batch] = await query.all(newestBatchSql(tables.spans), (row) => row.uint64(), DOING)
  if (batch === undefined) return undefined
  if (!before) return { ...none, position: { batch, told: new Uint32Array() } }
  if (batch <= before.batch) return { ...none, position: before }
  const found = await query.all(
    newTracesSql(tables.spans, before.batch, batch),
    (row) => ({ id: row.text(), spans: row.count() }),
    DOING,
  )
  const looked = found.slice(0, MAX_TRACES)
  const come = found.reduce((sum, { spans }) => sum + spans, 0)
  const old = []
  const fresh = []
  for (let at = 0; at < looked.length && !query.isOver; at += IDS_AT_ONCE) {
    const ids = looked.slice(at, at + IDS_AT_ONCE).map(({ id }) => id)
    const since = { ids, stored: { than: '>', batch: before.batch, until: batch } } as const
    const until = { ids, stored: { than: '<=', batch: before.batch } } as const
    old.push(...(await blocksOf(query, tracesSql(tables, until), DOING)).all)
    fresh.push(...(await blocksOf(query, tracesSql(tables, since), DOING)).all)
  }
  if (query.isOver) return undefined
  const rows = old.reduce((sum, { spans }) => sum + spans, 0)
  const segment = { id: SEGMENT, isInOrder: true, isKnown: true, blocks: [...old, ...fresh] }
  const position: TailPosition = { segment: SEGMENT, rows, told: before.told }
  const {
    traces,
    spans,
    missed,
    complete,
    position: after,
  } = await arrivals([segment], asked, position, new SummaryCache(), turn)
  return {
    traces,
    spans: come,
    missed: missed + come - spans,
    complete,
    position: { batch, told: after?.told ?? before.told },
  }
}
