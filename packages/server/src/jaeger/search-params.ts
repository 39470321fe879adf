import type { Filter, SearchQuery, Target } from '@spoor/storage'
import { all, first, nowNs, type Query, RequestError, tryDuration } from '../api/params.ts'

const DEFAULT_LIMIT = 100
const TWO_DAYS_NS = 172_800_000_000_000n
/** The most traces that a store gives in one page. */
const MAX_LIMIT = 10_000

const bad = (message: string) => new RequestError(400, 'bad_parameter', message)
const unreadable = (name: string, why: string) => bad(`unable to parse param '${name}': ${why}`)

/**
 * The parameters of `GET /api/traces` as a store's query. All conditions must hold on one span, as in Jaeger's memory
 * store. Times are microseconds since 1970 (default: the last two days), durations Go's. Unlike Jaeger, `service` may
 * be left out.
 *
 * Source: jaeger v2.20, `jaegerquery/internal/query_parser.go`.
 */
export function searchParams(query: Query): SearchQuery {
  const now = nowNs()
  const service = first(query, 'service')
  const operation = first(query, 'operation')
  const min = duration(query, 'minDuration')
  const max = duration(query, 'maxDuration')
  if (min !== undefined && max !== undefined && max < min) {
    throw bad("'maxDuration' should be greater than 'minDuration'")
  }
  const filters: Filter[] = []
  if (service !== undefined) filters.push({ op: 'eq', target: { field: 'service' }, value: service })
  if (operation !== undefined && operation !== 'all')
    filters.push({ op: 'eq', target: { field: 'name' }, value: operation })
  if (min !== undefined) filters.push({ op: 'gte', target: { field: 'duration' }, value: min })
  if (max !== undefined) filters.push({ op: 'lte', target: { field: 'duration' }, value: max })
  for (const [key, value] of tags(query)) filters.push(tagFilter(key, value))
  const { from = now - TWO_DAYS_NS, to = now } = timeRange(query)
  return {
    ...(filters.length > 0 && { filter: { op: 'and', args: filters } }),
    from,
    to,
    limit: limit(query),
    order: 'newest',
    matchesPerTrace: 0,
  }
}

/** `tag=key:value`, repeated, and `tags={"key":"value"}`. */
function tags(query: Query): [string, string][] {
  const pairs: [string, string][] = []
  for (const tag of all(query, 'tag')) {
    const colon = tag.indexOf(':')
    if (colon === -1) throw bad(`malformed 'tag' parameter, expecting key:value, received: ${tag}`)
    pairs.push([tag.slice(0, colon), tag.slice(colon + 1)])
  }
  for (const text of all(query, 'tags'))
    pairs.push(...stringMap(text, "malformed 'tags' parameter, cannot unmarshal JSON"))
  return pairs
}

/** A JSON object of strings, as pairs; anything else is an error that begins with `what`. */
export function stringMap(text: string, what: string): [string, string][] {
  let map: unknown
  try {
    map = JSON.parse(text)
  } catch (error) {
    throw bad(`${what}: ${(error as Error).message}`)
  }
  if (map === null) return []
  if (typeof map !== 'object' || Array.isArray(map)) throw bad(`${what}: not an object`)
  return Object.entries(map).map(([key, value]) => {
    if (typeof value !== 'string') throw bad(`${what}: the value of ${JSON.stringify(key)} is not a string`)
    return [key, value]
  })
}

/** Tags that Jaeger shows for fields of a span; asked for, they are these fields. */
const FIELD_TAGS: ReadonlyMap<string, Target> = new Map<string, Target>([
  ['span.status', { field: 'status' }],
  ['otel.status_code', { field: 'status' }],
  ['span.kind', { field: 'kind' }],
  ['scope.name', { field: 'scopeName' }],
  ['otel.scope.name', { field: 'scopeName' }],
  ['scope.version', { field: 'scopeVersion' }],
  ['otel.scope.version', { field: 'scopeVersion' }],
  ['otel.status_description', { field: 'statusMessage' }],
  ['w3c.tracestate', { field: 'traceState' }],
  ['service.name', { field: 'service' }],
])

/** A tag compares as text with attributes of the span, its events, resource and scope. */
export function tagFilter(key: string, value: string): Filter {
  if (key === 'error' && (value === 'true' || value === 'false')) {
    const failed: Filter = { op: 'eq', target: { field: 'status' }, value: 'error' }
    return value === 'true'
      ? { op: 'or', args: [failed, { op: 'eq', target: { attribute: 'error' }, value }] }
      : { op: 'not', arg: failed }
  }
  const target = FIELD_TAGS.get(key)
  if (target) {
    const isName = 'field' in target && (target.field === 'status' || target.field === 'kind')
    return { op: 'eq', target, value: isName ? value.toLowerCase() : value }
  }
  if (key.startsWith('resource.')) {
    return { op: 'eq', target: { attribute: key.slice('resource.'.length), level: 'resource' }, value }
  }
  return { op: 'eq', target: { attribute: key }, value }
}

/** `start` and `end`, which a trace by id takes, too, and does not need here. Nanoseconds since 1970. */
export function timeRange(query: Query): { from: bigint | undefined; to: bigint | undefined } {
  return { from: microseconds(query, 'start'), to: microseconds(query, 'end') }
}

function microseconds(query: Query, name: string): bigint | undefined {
  const value = first(query, name)
  if (value === undefined) return undefined
  if (!/^\d{1,16}$/.test(value)) throw unreadable(name, `"${value}" is not a number of microseconds since 1970`)
  return BigInt(value) * 1000n
}

function duration(query: Query, name: string): number | undefined {
  const value = first(query, name)
  if (value === undefined) return undefined
  const duration = tryDuration(value)
  if (duration === undefined) throw unreadable(name, `time: invalid duration "${value}"`)
  return duration
}

function limit(query: Query): number {
  const value = first(query, 'limit')
  if (value === undefined) return DEFAULT_LIMIT
  if (!/^\d{1,9}$/.test(value)) throw unreadable('limit', `"${value}" is not a whole number`)
  return Math.max(1, Math.min(MAX_LIMIT, Number(value)))
}
