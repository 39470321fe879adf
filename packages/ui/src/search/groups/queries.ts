import { queryOptions } from '@tanstack/react-query'
import type {
  AggregateResponse,
  BottleneckResponse,
  ErrorGroupsResponse,
  FlameResponse,
  HeatMapResponse,
} from 'spoor/api'
import { getJson, type Parameters } from '../../api/client.ts'
import { type GroupSort, searchParameters, type SearchUrl } from '../search-url.ts'
import { groupParameters } from './groups.ts'

/** How often a live view asks for what is computed over all that matches, in milliseconds: seldom, for it may be much. */
const liveIntervalMs = 10_000

/** Parts of the time in a sparkline. */
const buckets = 40

/** What is asked about: the query that is applied and its bounds, whatever the order of the list. */
function scopeOf(url: SearchUrl): Parameters {
  const { order: _, ...scope } = searchParameters(url)
  return scope
}

/** Options for what is computed over all that matches. What was answered to the same question in another order stays until it is there. */
function manyQuery<T>(path: string, scope: Parameters, parameters: Parameters, live: boolean) {
  const question = JSON.stringify(scope)
  return queryOptions({
    queryKey: [path, question, parameters],
    queryFn: ({ signal }) => getJson<T>(path, { ...scope, ...parameters }, signal),
    refetchInterval: live ? liveIntervalMs : false,
    placeholderData: (previous, query) => (query?.queryKey[1] === question ? previous : undefined),
    retry: false,
  })
}

/** Operations of all that matches. */
export function operationGroupsQuery(url: SearchUrl, sort: GroupSort, limit: number) {
  const parameters = groupParameters({}, sort, limit, buckets)
  return manyQuery<AggregateResponse>('aggregate', scopeOf(url), parameters, url.live === '1')
}

/** What each service was asked: its spans of kind server and consumer. */
export function serviceGroupsQuery(url: SearchUrl) {
  const scope = scopeOf({ ...url, q: 'kind:server,consumer' })
  return manyQuery<AggregateResponse>(
    'aggregate',
    scope,
    { groupBy: 'service', limit: 1000, buckets, aligned: 'true' },
    false,
  )
}

/** All that matches, over time. */
export function overTimeQuery(url: SearchUrl) {
  return manyQuery<AggregateResponse>('aggregate', scopeOf(url), { buckets: 60, aligned: 'true', exemplars: 0 }, false)
}

/** Errors of all that matches, the same ones together. */
export function errorGroupsQuery(url: SearchUrl, limit: number) {
  return manyQuery<ErrorGroupsResponse>(
    'error-groups',
    scopeOf(url),
    { limit, buckets, aligned: 'true' },
    url.live === '1',
  )
}

/** Most errors that are looked for in all time. */
const everGroups = 1000

/** The same errors in all time: when each was first seen ever. */
export function everQuery({ q }: SearchUrl) {
  const scope = scopeOf({ ...(q && { q }), range: 'all' })
  return manyQuery<ErrorGroupsResponse>('error-groups', scope, { limit: everGroups, exemplars: 0 }, false)
}

/** Where the time of all that matches went. */
export function bottleneckQuery(url: SearchUrl, limit: number) {
  return manyQuery<BottleneckResponse>('bottleneck', scopeOf(url), { limit }, url.live === '1')
}

/** Call paths of all that matches. */
export function flameQuery(url: SearchUrl) {
  return manyQuery<FlameResponse>('flame', scopeOf(url), {}, url.live === '1')
}

/** Requests of all that matches, by start and duration. */
export function heatMapQuery(url: SearchUrl) {
  return manyQuery<HeatMapResponse>('heatmap', scopeOf(url), { of: 'requests', aligned: 'true' }, url.live === '1')
}

/** How many requests match, and their percentiles. */
export function requestsQuery(url: SearchUrl) {
  return manyQuery<AggregateResponse>('aggregate', scopeOf(url), { of: 'requests', exemplars: 0 }, url.live === '1')
}
