import { GROUP_FIELDS, type AggregateQuery, type AggregateScope, type CompareQuery } from '../../contract.ts'
import { aggregate } from '../../local/read/aggregate/aggregate.ts'
import { bottleneck } from '../../local/read/aggregate/bottleneck.ts'
import { compare } from '../../local/read/aggregate/compare.ts'
import { errorGroups } from '../../local/read/aggregate/error-groups.ts'
import { flame } from '../../local/read/aggregate/flame.ts'
import { heatMap } from '../../local/read/aggregate/heat-map.ts'
import type { Blocks, BlockParts } from '../../local/read/aggregate/parts.ts'
import { setOf } from '../../local/read/plan.ts'
import { rangeOf } from '../../local/read/range.ts'
import { QUERY_BYTES, QueryMemory } from '../../local/read/query-memory.ts'
import { Turn } from '../../local/read/turn.ts'
import { systemClock } from '../../local/runtime.ts'
import type { Query } from '../query.ts'
import { boundsSql, keysSql, type Bounds } from '../sql/catalogue.ts'
import { areFields, HEADER_COLUMNS, headerDecoder, isOfHeaders } from '../sql/headers.ts'
import { decodeSpanOfTrace, SPAN_COLUMNS, tracesSql } from '../sql/spans.ts'
import type { Tables } from '../tables.ts'
import { CandidateQueue } from './candidate-queue.ts'
import { countedSql, type Scope } from '../sql/counted.ts'
import { IN_SQL } from './counts.ts'
import { blocksOf, partsByTrace } from './fetch.ts'
import type { FetchedBlock } from './fetched-block.ts'

/** Counts over blocks; what counts in them, and how, is the same for every engine. */
export const COUNTS = { aggregate, heatMap, errorGroups, bottleneck, flame, compare }

type Answers = typeof COUNTS
/** What a count asks, and what it answers. */
export type Asked<M extends keyof Answers> = Parameters<Answers[M]>[1]
export type Tell<M extends keyof Answers> = Parameters<Answers[M]>[3]
export type Answer<M extends keyof Answers> = Awaited<ReturnType<Answers[M]>>
type Count<M extends keyof Answers> = (
  blocks: Blocks,
  query: Asked<M>,
  turn: Turn,
  tell?: Tell<M>,
) => Promise<Answer<M>>

const DEFAULT_FLAME_TRACES = 10_000
const COMPARED_ATTRIBUTES = 50
/** Traces that are fetched together, and their spans, where these are more than one trace. */
const MAX_TRACES = 300
const MAX_SPANS = 20_000
const DOING = 'reading spans'

type CountInSql<M extends keyof Answers> = (
  query: Query,
  tables: Tables,
  asked: Asked<M>,
) => Promise<Answer<M> | undefined>

/** Has the server count where it can; else fetches the spans that are needed to count, part after part, and counts. */
export async function count<M extends keyof Answers>(
  query: Query,
  tables: Tables,
  method: M,
  asked: Asked<M>,
  tell: Tell<M>,
): Promise<Answer<M>> {
  const over = COUNTS[method] as unknown as Count<M>
  // What is no query is refused before anything is asked with it.
  await over([], asked, new Turn(systemClock, Infinity, { memory: new QueryMemory(QUERY_BYTES) }))
  const bounds = await boundsOf(query, tables, scopesIn(method, asked))
  const bounded = await withKeys(query, tables, method, withBounds(method, asked, bounds))
  const inSql = IN_SQL[method as keyof typeof IN_SQL] as CountInSql<M> | undefined
  const counted = await inSql?.(query, tables, bounded)
  if (counted) return counted
  const blocks = partsOf(query, tables, method, bounded)
  if (query.isOver) await query.turn.breathe()
  return over(blocks, bounded, query.turn, tell)
}

/** The spans that are needed to count, in parts; newer traces first where so many are enough. */
function partsOf<M extends keyof Answers>(query: Query, tables: Tables, method: M, asked: Asked<M>): BlockParts {
  const [a, b = a] = scopesIn(method, asked).map((scope) => toScope(method, scope))
  const most = mostTraces(method, asked)
  const isLean = isOfHeadersAlone(method, asked)
  const [columns, decode] = isLean ? [HEADER_COLUMNS, headerDecoder()] : [SPAN_COLUMNS, decodeSpanOfTrace]
  return {
    size: 1,
    each: (side) =>
      most === undefined
        ? partsByTrace(query, countedSql(tables.spans, side === 'a' ? a! : b!, columns), decode, DOING)
        : newestParts(query, tables, a!, most),
  }
}

/** Whether nothing but headers of spans is asked for. */
function isOfHeadersAlone<M extends keyof Answers>(method: M, asked: Asked<M>): boolean {
  const keys = { aggregate: (asked as AggregateQuery).groupBy, compare: (asked as CompareQuery).keys }
  if (method === 'errorGroups' || !areFields(keys[method as 'aggregate' | 'compare'])) return false
  return scopesIn(method, asked).every(({ spans, filter }) => isOfHeaders(filter ? { op: 'spans', filter } : spans))
}

async function* newestParts(
  query: Query,
  tables: Tables,
  { set, from, to }: Scope,
  most: number,
): AsyncGenerator<readonly FetchedBlock[]> {
  const candidates = new CandidateQueue(
    query,
    { table: tables.spans, set, from, to, order: 'newest' },
    Math.min(most, MAX_TRACES),
  )
  while (await candidates.peek()) {
    const next = candidates.next(MAX_TRACES, MAX_SPANS)
    const blocks = await blocksOf(query, tracesSql(tables, candidates.extentOf(next)), DOING)
    yield blocks.all
    blocks.release()
    for (let i = 0; i < next.length; i++) candidates.shift()
  }
}

function scopesIn<M extends keyof Answers>(method: M, asked: Asked<M>): readonly AggregateScope[] {
  if (method !== 'compare') return [asked]
  const { a, b } = asked as CompareQuery
  return [a, b]
}

/** Undefined where it does not matter. */
async function boundsOf(query: Query, tables: Tables, scopes: readonly AggregateScope[]): Promise<Bounds | undefined> {
  if (scopes.every(({ from, to }) => from !== undefined && to !== undefined)) return undefined
  const statement = boundsSql(tables.spans)
  const [bounds] = await query.all(
    statement,
    (row) => ({ spans: row.count(), first: row.uint64(), last: row.uint64() }),
    'looking for the first and the last span',
  )
  return bounds
}

/** What has no end ends with the store, which the blocks are only a part of. */
function withBounds<M extends keyof Answers>(method: M, asked: Asked<M>, bounds: Bounds | undefined): Asked<M> {
  if (!bounds) return asked
  const within = <S extends AggregateScope>(scope: S): S => {
    const range = rangeOf(scope.from, scope.to)
    const from = scope.from === undefined ? (bounds.first < range.to ? bounds.first : range.to) : range.from
    const to = scope.to === undefined ? (bounds.last > from ? bounds.last : from) : range.to
    return { ...scope, from, to }
  }
  if (method !== 'compare') return within(asked)
  const { a, b, ...rest } = asked as CompareQuery
  return { ...rest, a: within(a), b: within(b) }
}

/** What is compared by default are attributes that are seen often. */
async function withKeys<M extends keyof Answers>(
  query: Query,
  tables: Tables,
  method: M,
  asked: Asked<M>,
): Promise<Asked<M>> {
  if (method !== 'compare' || (asked as CompareQuery).keys) return asked
  const statement = keysSql(tables.spans, 'any', COMPARED_ATTRIBUTES + 1)
  const seen = await query.all(statement, (row) => row.text(), 'looking for attributes to compare')
  const attributes = seen.filter((key) => key !== 'service.name').slice(0, COMPARED_ATTRIBUTES)
  const keys = [...GROUP_FIELDS.map((field) => ({ field })), ...attributes.map((attribute) => ({ attribute }))]
  return { ...asked, keys }
}

function toScope(method: keyof Answers, { from, to, of, ...scope }: AggregateScope): Scope {
  const set = setOf({ ...(scope.spans && { spans: scope.spans }), ...(scope.filter && { filter: scope.filter }) })
  const range = rangeOf(from, to)
  const isOfTraces = method === 'bottleneck' || method === 'flame' || (of === 'requests' && method !== 'errorGroups')
  return { set, from: range.from, to: range.to, isOfTraces: isOfTraces || (set !== undefined && set.op !== 'spans') }
}

/** Traces that are enough; undefined: all. */
function mostTraces<M extends keyof Answers>(method: M, asked: Asked<M>): number | undefined {
  if (method !== 'bottleneck' && method !== 'flame') return undefined
  const { traces } = asked as { traces?: number }
  return traces ?? (method === 'flame' ? DEFAULT_FLAME_TRACES : undefined)
}
