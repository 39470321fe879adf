/* oxlint-disable oxc/no-async-endpoint-handlers -- that is Express; Fastify answers with what a handler rejects with */
import {
  GROUP_FIELDS,
  type AggregateEnd,
  type Aggregates,
  type AggregateScope,
  type Bottleneck,
  type CompareScope,
  type Differences,
  type ErrorGroup,
  type ErrorGroups,
  type Flame,
  type GroupKey,
  type HeatMap,
  type TimeShare,
} from '@spoor/storage'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type {
  AggregateResponse,
  BottleneckResponse,
  CompareResponse,
  ErrorGroupRow,
  ErrorGroupsResponse,
  FlameResponse,
  HeatMapResponse,
} from '../api.ts'
import { callOf } from '../http/query-call.ts'
import { parseQuery, QueryError, targetOf } from '../query/index.ts'
import { aggregate, bottleneck, compare, errorGroups, flame, heatMap, of, q } from './catalogue.ts'
import type { Failures } from './failure.ts'
import { answered } from './growing.ts'
import { all, first, RequestError, type Query } from './params.ts'
import { scopeOf } from './scope.ts'
import type { StoreQueries } from './store-queries.ts'

/** `GET aggregate`; see `api.ts`. */
export function aggregateRoute(store: StoreQueries, failures: Failures) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<AggregateResponse | FastifyReply> => {
    const query = request.query as Query
    const percentiles = percentilesParam(query)
    const order = aggregate.order.of(query)
    const asked = {
      ...askedOf(query),
      groupBy: keysParam(query, 'groupBy'),
      limit: aggregate.limit.of(query),
      buckets: aggregate.buckets.of(query),
      aligned: aggregate.aligned.of(query) === 'true',
      exemplars: aggregate.exemplars.of(query),
      ...(percentiles && { percentiles }),
      ...(order && { order }),
    }
    const call = callOf(request)
    return answered(request, reply, failures, (tell) => store.aggregate(asked, call, tell), aggregatesRow)
  }
}

function aggregatesRow({ total, groups, rest, ...end }: Aggregates): AggregateResponse {
  return {
    total,
    // JSON has no undefined in a list.
    groups: groups.map(({ key, ...measures }) => ({ key: key.map((value) => value ?? null), ...measures })),
    ...(rest && { rest }),
    ...endRow(end),
  }
}

/** `GET heatmap`; see `api.ts`. */
export function heatMapRoute(store: StoreQueries, failures: Failures) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<HeatMapResponse | FastifyReply> => {
    const query = request.query as Query
    const asked = {
      ...askedOf(query),
      timeBins: heatMap.timeBins.of(query),
      aligned: heatMap.aligned.of(query) === 'true',
      durationBins: heatMap.durationBins.of(query),
    }
    const call = callOf(request)
    return answered(request, reply, failures, (tell) => store.heatMap(asked, call, tell), heatMapRow)
  }
}

function heatMapRow({ edgesNs, counts, errors, exemplars, ...end }: HeatMap): HeatMapResponse {
  return { edgesNs, counts: [...counts], errors: [...errors], exemplars, ...endRow(end) }
}

/** `GET error-groups`; see `api.ts`. */
export function errorGroupsRoute(store: StoreQueries, failures: Failures) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<ErrorGroupsResponse | FastifyReply> => {
    const query = request.query as Query
    const order = errorGroups.order.of(query)
    const asked = {
      ...scopeOf(query, parseQuery(q.of(query) ?? '')),
      limit: errorGroups.limit.of(query),
      buckets: errorGroups.buckets.of(query),
      aligned: errorGroups.aligned.of(query) === 'true',
      exemplars: errorGroups.exemplars.of(query),
      ...(order && { order }),
    }
    const call = callOf(request)
    return answered(request, reply, failures, (tell) => store.errorGroups(asked, call, tell), errorGroupsRow)
  }
}

function errorGroupsRow({ spans, groups, moreGroups, ...end }: ErrorGroups): ErrorGroupsResponse {
  return { spans, groups: groups.map(errorGroupRow), moreGroups, ...endRow(end) }
}

/** `GET bottleneck`; see `api.ts`. */
export function bottleneckRoute(store: StoreQueries, failures: Failures) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<BottleneckResponse | FastifyReply> => {
    const query = request.query as Query
    const traces = bottleneck.traces.of(query)
    const asked = {
      ...scopeOf(query, parseQuery(q.of(query) ?? '')),
      limit: bottleneck.limit.of(query),
      ...(traces !== undefined && { traces }),
    }
    const call = callOf(request)
    return answered(request, reply, failures, (tell) => store.bottleneck(asked, call, tell), bottleneckRow)
  }
}

function bottleneckRow({ traces, requestNs, sampled, services, operations, ...end }: Bottleneck): BottleneckResponse {
  return {
    traces,
    requestNs,
    sampled,
    services: services.map(timeShareRow),
    operations: operations.map(timeShareRow),
    ...endRow(end),
  }
}

/** `GET flame`; see `api.ts`. */
export function flameRoute(store: StoreQueries, failures: Failures) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FlameResponse | FastifyReply> => {
    const query = request.query as Query
    const asked = {
      ...scopeOf(query, parseQuery(q.of(query) ?? '')),
      traces: flame.traces.of(query),
      limit: flame.limit.of(query),
      exemplars: flame.exemplars.of(query),
    }
    const call = callOf(request)
    return answered(request, reply, failures, (tell) => store.flame(asked, call, tell), flameRow)
  }
}

function flameRow({ traces, requestNs, sampled, frames, others, ...end }: Flame): FlameResponse {
  return {
    traces,
    requestNs,
    sampled,
    frames: frames.map(({ others: below, ...frame }) => ({ ...frame, ...(below && { others: below }) })),
    ...(others && { others }),
    ...endRow(end),
  }
}

/** `GET compare`; see `api.ts`. */
export function compareRoute(store: StoreQueries, failures: Failures) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<CompareResponse | FastifyReply> => {
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
    const call = callOf(request)
    return answered(request, reply, failures, (tell) => store.compare(asked, call, tell), differencesRow)
  }
}

function differencesRow({ differences, ...rest }: Differences): CompareResponse {
  return {
    ...rest,
    differences: differences.map(({ key, value, ...counts }) => ({ ...key, value: value ?? null, ...counts })),
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

function endRow({ from, to, bucketsFrom, bucketNs, ...rest }: AggregateEnd) {
  return {
    from: from.toString(),
    to: to.toString(),
    bucketsFrom: bucketsFrom.toString(),
    bucketNs: Number(bucketNs),
    ...rest,
  }
}
