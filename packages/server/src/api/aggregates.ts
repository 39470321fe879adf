/* oxlint-disable oxc/no-async-endpoint-handlers -- that is Express; Fastify answers with what a handler rejects with */
import {
  GROUP_FIELDS,
  type AggregateEnd,
  type AggregateScope,
  type CompareScope,
  type ErrorGroup,
  type GroupKey,
  type TimeShare,
} from '@spoor/storage'
import type { FastifyRequest } from 'fastify'
import type {
  AggregateResponse,
  BottleneckResponse,
  CompareResponse,
  ErrorGroupRow,
  ErrorGroupsResponse,
  HeatMapResponse,
} from '../api.ts'
import { callOf } from '../http/query-call.ts'
import { parseQuery, QueryError, targetOf } from '../query/index.ts'
import { aggregate, bottleneck, compare, errorGroups, heatMap, of, q } from './catalogue.ts'
import { all, first, RequestError, type Query } from './params.ts'
import { scopeOf } from './scope.ts'
import type { StoreQueries } from './store-queries.ts'

/** `GET aggregate`; see `api.ts`. */
export function aggregateRoute(store: StoreQueries) {
  return async (request: FastifyRequest): Promise<AggregateResponse> => {
    const query = request.query as Query
    const percentiles = percentilesParam(query)
    const order = aggregate.order.of(query)
    const asked = {
      ...askedOf(query),
      groupBy: keysParam(query, 'groupBy'),
      limit: aggregate.limit.of(query),
      buckets: aggregate.buckets.of(query),
      exemplars: aggregate.exemplars.of(query),
      ...(percentiles && { percentiles }),
      ...(order && { order }),
    }
    const { total, groups, rest, ...end } = await store.aggregate(asked, callOf(request))
    return {
      total,
      // JSON has no undefined in a list.
      groups: groups.map(({ key, ...measures }) => ({ key: key.map((value) => value ?? null), ...measures })),
      ...(rest && { rest }),
      ...endRow(end),
    }
  }
}

/** `GET heatmap`; see `api.ts`. */
export function heatMapRoute(store: StoreQueries) {
  return async (request: FastifyRequest): Promise<HeatMapResponse> => {
    const query = request.query as Query
    const asked = {
      ...askedOf(query),
      timeBins: heatMap.timeBins.of(query),
      durationBins: heatMap.durationBins.of(query),
    }
    const { edgesNs, counts, errors, exemplars, ...end } = await store.heatMap(asked, callOf(request))
    return { edgesNs, counts: [...counts], errors: [...errors], exemplars, ...endRow(end) }
  }
}

/** `GET error-groups`; see `api.ts`. */
export function errorGroupsRoute(store: StoreQueries) {
  return async (request: FastifyRequest): Promise<ErrorGroupsResponse> => {
    const query = request.query as Query
    const order = errorGroups.order.of(query)
    const asked = {
      ...scopeOf(query, parseQuery(q.of(query) ?? '')),
      limit: errorGroups.limit.of(query),
      buckets: errorGroups.buckets.of(query),
      exemplars: errorGroups.exemplars.of(query),
      ...(order && { order }),
    }
    const { spans, groups, moreGroups, ...end } = await store.errorGroups(asked, callOf(request))
    return { spans, groups: groups.map(errorGroupRow), moreGroups, ...endRow(end) }
  }
}

/** `GET bottleneck`; see `api.ts`. */
export function bottleneckRoute(store: StoreQueries) {
  return async (request: FastifyRequest): Promise<BottleneckResponse> => {
    const query = request.query as Query
    const asked = {
      ...scopeOf(query, parseQuery(q.of(query) ?? '')),
      limit: bottleneck.limit.of(query),
    }
    const { traces, requestNs, services, operations, ...end } = await store.bottleneck(asked, callOf(request))
    return {
      traces,
      requestNs,
      services: services.map(timeShareRow),
      operations: operations.map(timeShareRow),
      ...endRow(end),
    }
  }
}

/** `GET compare`; see `api.ts`. */
export function compareRoute(store: StoreQueries) {
  return async (request: FastifyRequest): Promise<CompareResponse> => {
    const query = request.query as Query
    const what = of.of(query)
    const keys = keysParam(query, 'keys')
    const asked = {
      a: { ...sideOf(query, 'a'), ...(what && { of: what }) },
      b: { ...sideOf(query, 'b'), ...(what && { of: what }) },
      limit: compare.limit.of(query),
      ...(compare.rest.of(query) === 'true' && { rest: true }),
      ...(keys.length > 0 && { keys }),
    }
    const { differences, ...rest } = await store.compare(asked, callOf(request))
    return {
      ...rest,
      differences: differences.map(({ key, value, ...counts }) => ({ ...key, value: value ?? null, ...counts })),
    }
  }
}

/** Its own `q`, and its own range or that of both. */
function sideOf(query: Query, side: 'a' | 'b'): CompareScope {
  const range = {
    from: first(query, `${side}From`) ?? first(query, 'from'),
    to: first(query, `${side}To`) ?? first(query, 'to'),
  }
  try {
    return scopeOf(range, parseQuery(first(query, side) ?? ''))
  } catch (error) {
    if (!(error instanceof QueryError)) throw error
    throw new QueryError(`parameter "${side}": ${error.message}`, error.position)
  }
}

function timeShareRow<T extends TimeShare>({ exemplar, ...share }: T) {
  return { ...share, ...(exemplar && { exemplar }) }
}

function errorGroupRow({ firstSeen, lastSeen, exemplars, ...rest }: ErrorGroup): ErrorGroupRow {
  return {
    ...rest,
    firstSeen: firstSeen.toString(),
    lastSeen: lastSeen.toString(),
    exemplars: exemplars.map((exemplar) => ({ ...exemplar, start: exemplar.start.toString() })),
  }
}

function askedOf(query: Query): AggregateScope {
  const what = of.of(query)
  return { ...scopeOf(query, parseQuery(q.of(query) ?? '')), ...(what && { of: what }) }
}

/** Keys as the search bar has them, in one parameter or several, with commas in between. */
function keysParam(query: Query, name: string): GroupKey[] {
  const keys = all(query, name).flatMap((text) => [...text.matchAll(/"([^"]*)"|[^,]+/g)])
  return keys.map(([text, quoted]) => {
    const target = targetOf({ text: quoted ?? text.trim(), quoted: quoted !== undefined })
    if (!('field' in target)) return target
    const field = GROUP_FIELDS.find((each) => each === target.field)
    if (field) return { field }
    throw new RequestError(
      400,
      'bad_parameter',
      `parameter "${name}": "${text}" cannot be grouped by: ${GROUP_FIELDS.join(', ')}, or an attribute's key`,
    )
  })
}

function percentilesParam(query: Query): number[] | undefined {
  const text = first(query, 'percentiles')
  return text?.split(',').map((each) => {
    const share = Number(each)
    if (each.trim() !== '' && share > 0 && share <= 1) return share
    throw new RequestError(
      400,
      'bad_parameter',
      `parameter "percentiles": "${each}" is not a share greater than 0 and at most 1, as in 0.5,0.95`,
    )
  })
}

function endRow({ from, to, bucketNs, ...rest }: AggregateEnd) {
  return { from: from.toString(), to: to.toString(), bucketNs: Number(bucketNs), ...rest }
}
