import type { AggregateQuery, GroupKey, Level } from '@spoor/storage'
import { GROUP_FIELDS } from '@spoor/storage'
import type { FastifyRequest } from 'fastify'
import { first, type Query } from '../api/params.ts'
import type { StoreQueries } from '../api/store-queries.ts'
import { callOf, type QueryCall } from '../http/query-call.ts'
import { typeOfText } from './any-value.ts'
import { bad, secondsRange, wholeParam } from './params.ts'
import { compileTraceql, parseTarget, parseTraceql, storeTarget, type Target, TraceqlError } from './traceql/index.ts'
import { KINDS, STATUSES } from './traceql/intrinsics.ts'

const DEFAULT_LIMIT = 1_000
const MAX_LIMIT = 10_000
/** The time that a list of values may take where it is counted: what was counted by then is told. Milliseconds. */
const COUNTING_MS = 3_000
/** By the names that Tempo has for the levels of attributes. */
const LEVELS: ReadonlyMap<string, Level> = new Map([
  ['resource', 'resource'],
  ['span', 'span'],
  ['event', 'event'],
  ['link', 'link'],
  ['instrumentation', 'scope'],
])
/** What can be asked for beside attributes. */
const INTRINSIC_TAGS = [
  'duration',
  'event:name',
  'event:timeSinceStart',
  'instrumentation:name',
  'instrumentation:version',
  'kind',
  'link:spanID',
  'link:traceID',
  'name',
  'rootName',
  'rootServiceName',
  'span:childCount',
  'span:duration',
  'span:id',
  'span:kind',
  'span:name',
  'span:parentID',
  'span:status',
  'span:statusMessage',
  'status',
  'statusMessage',
  'trace:duration',
  'trace:id',
  'trace:rootName',
  'trace:rootService',
  'traceDuration',
]
/** What the older API calls what is no attribute. */
const OLD_NAMES: ReadonlyMap<string, string> = new Map([
  ['name', 'name'],
  ['status', 'status'],
  ['status.code', 'status'],
  ['kind', 'kind'],
  ['root.name', 'rootName'],
  ['root.service.name', 'rootServiceName'],
])

interface TagScope {
  readonly name: string
  readonly tags: readonly string[]
}

/** `GET /api/v2/search/tags`. */
export function tagsRoute(store: StoreQueries) {
  return async (
    request: FastifyRequest,
  ): Promise<{ readonly scopes: readonly TagScope[]; readonly metrics: object }> => {
    return { scopes: await tagScopes(store, request), metrics: {} }
  }
}

/** `GET /api/search/tags`. */
export function oldTagsRoute(store: StoreQueries) {
  return async (
    request: FastifyRequest,
  ): Promise<{ readonly tagNames: readonly string[]; readonly metrics: object }> => {
    const scopes = await tagScopes(store, request)
    return { tagNames: [...new Set(scopes.flatMap(({ tags }) => tags))].sort(), metrics: {} }
  }
}

/** Of the newest spans, whatever the range that is asked for. */
async function tagScopes(store: StoreQueries, request: FastifyRequest): Promise<TagScope[]> {
  const query = request.query as Query
  secondsRange(query)
  const limit = wholeParam(query, 'limit', DEFAULT_LIMIT, [0, MAX_LIMIT]) || MAX_LIMIT
  const scope = first(query, 'scope') ?? 'none'
  const isAll = scope === 'none'
  if (!isAll && scope !== 'intrinsic' && scope !== 'trace' && !LEVELS.has(scope))
    throw bad(`invalid scope: ${scope}; one of ${[...LEVELS.keys()].join(', ')}, intrinsic, none`)
  const scopes: TagScope[] = []
  for (const [name, level] of LEVELS) {
    if (!isAll && scope !== name) continue
    const tags = await store.attributeKeys(limit, callOf(request), level)
    if (tags.length > 0) scopes.push({ name, tags: tags.sort() })
  }
  if (isAll || scope === 'intrinsic') scopes.push({ name: 'intrinsic', tags: INTRINSIC_TAGS })
  return scopes
}

interface TagValue {
  readonly type: string
  readonly value: string
}

/** `GET /api/v2/search/tag/{tag}/values`. */
export function valuesRoute(store: StoreQueries) {
  return async (
    request: FastifyRequest<{ Params: { tag: string } }>,
  ): Promise<{ readonly tagValues: readonly TagValue[]; readonly metrics: object }> => {
    return valuesOf(store, parseTarget(tagOf(request.params.tag)), request.query as Query, callOf(request))
  }
}

/** `GET /api/search/tag/{tag}/values`. */
export function oldValuesRoute(store: StoreQueries) {
  return async (
    request: FastifyRequest<{ Params: { tag: string } }>,
  ): Promise<{ readonly tagValues: readonly string[]; readonly metrics: object }> => {
    const tag = tagOf(request.params.tag)
    const target: Target = parseTarget(OLD_NAMES.get(tag) ?? `."${tag.replaceAll(/["\\]/g, String.raw`\$&`)}"`)
    const { tagValues, metrics } = await valuesOf(store, target, request.query as Query, callOf(request))
    return { tagValues: tagValues.map(({ value }) => value), metrics }
  }
}

/** As it was meant: Grafana of before 2026 encodes it twice. What has no such encoding in it stays as it is. */
function tagOf(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

async function valuesOf(
  store: StoreQueries,
  target: Target,
  query: Query,
  call: QueryCall,
): Promise<{ readonly tagValues: readonly TagValue[]; readonly metrics: object }> {
  const limit = wholeParam(query, 'limit', DEFAULT_LIMIT, [0, MAX_LIMIT]) || MAX_LIMIT
  const range = secondsRange(query)
  const set = setOf(first(query, 'q'))
  const of = keyOf(target)
  if (target.op === 'intrinsic' && (target.name === 'status' || target.name === 'kind')) {
    const names: readonly string[] = target.name === 'status' ? STATUSES : KINDS
    return { tagValues: names.map((value) => ({ type: 'keyword', value })), metrics: {} }
  }
  if (!of) return { tagValues: [], metrics: {} }
  const isEverything = !set && range.from === undefined && range.to === undefined
  if (isEverything && !of.requests) {
    const known = await listed(store, of.key, limit, call)
    if (known) return { tagValues: known.map((value) => valueRow(value, target)), metrics: {} }
  }
  const asked: AggregateQuery = {
    ...(set && { spans: set }),
    ...range,
    ...(of.requests && { of: 'requests' }),
    groupBy: [of.key],
    limit,
    percentiles: [],
    exemplars: 0,
  }
  const { groups, bytesRead } = await store.aggregate(asked, {
    ...call,
    timeoutMs: Math.min(COUNTING_MS, call.timeoutMs),
  })
  const values = groups.flatMap(({ key: [value] }) => (value === undefined ? [] : [value]))
  return {
    tagValues: values.map((value) => valueRow(value, target)),
    metrics: { inspectedBytes: String(bytesRead) },
  }
}

/** What the store has at hand; undefined: it has to be counted. */
async function listed(
  store: StoreQueries,
  key: GroupKey,
  limit: number,
  call: QueryCall,
): Promise<readonly string[] | undefined> {
  if (!('field' in key)) return store.attributeValues(key.attribute, limit, call)
  if (key.field === 'service') return (await store.services(call)).slice(0, limit)
  if (key.field !== 'name') return undefined
  const operations = await store.operations(undefined, call)
  return [...new Set(operations.map(({ name }) => name))].slice(0, limit)
}

/** What the values are grouped by; undefined: of such there is no list. */
function keyOf(target: Target): { readonly key: GroupKey; readonly requests?: true } | undefined {
  if (target.op === 'intrinsic' && target.name === 'rootName') return { key: { field: 'name' }, requests: true }
  if (target.op === 'intrinsic' && target.name === 'rootServiceName')
    return { key: { field: 'service' }, requests: true }
  const key = groupKey(target)
  return key && { key }
}

/** As what spans are grouped by in the store; undefined: they cannot be. */
export function groupKey(target: Target): GroupKey | undefined {
  const found = storeTarget(target)
  if (!found || !('field' in found)) return found
  const field = GROUP_FIELDS.find((each) => each === found.field)
  return field && { field }
}

function valueRow(value: string, target: Target): TagValue {
  return { type: target.op === 'attribute' ? typeOfText(value) : 'string', value }
}

/** A query that is still being written is no mistake: then all values are told. */
function setOf(text: string | undefined) {
  if (text === undefined) return undefined
  try {
    return compileTraceql(parseTraceql(text).stages, text).set
  } catch (error) {
    if (error instanceof TraceqlError) return undefined
    throw error
  }
}
