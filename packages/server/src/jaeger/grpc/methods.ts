import { JAEGER_V2 as V2 } from '@spoor/collector'
import { collectSearch, type SearchQuery, type TraceSummary } from '@spoor/storage'
import { nowNs, type Query, RequestError } from '../../api/params.ts'
import type { StoreQueries } from '../../api/store-queries.ts'
import type { LaneName } from '../../http/lanes.ts'
import type { QueryCall } from '../../http/query-call.ts'
import {
  archiveTrace,
  INCOMPLETE,
  operationsOf,
  otlpOf,
  pairsOf,
  readingTime,
  readTrace,
  traceChunks,
  traceNotFound,
} from '../answers.ts'
import { readTraceId } from '../go-params.ts'
import { searchParams } from '../search-params.ts'
import type { JaegerTraceReader } from '../trace-json.ts'
import { searchQuery } from '../v3.ts'
import type { ProtoRecord, ProtoValue } from './codec.ts'
import { spanRecord } from './model.ts'
import { V3 } from './protos.ts'

/** Spans of one message of `api_v2`. */
const CHUNK_SPANS = 100
const DAY_NS = 86_400_000_000_000n

export interface QueryMethod {
  readonly lane: LaneName
  /** What is sent: bytes as they are, records in the method's form. */
  run(request: ProtoRecord, call: QueryCall): AsyncGenerator<ProtoRecord | Uint8Array>
}

/** What is asked for in a message, as the parameters that the same question has over HTTP. */
type Asked = Readonly<Record<string, string | undefined>>

/** The methods of both query services, by `service/method`. They answer what the same questions get over HTTP. */
export function queryMethods(store: StoreQueries): Readonly<Record<string, QueryMethod>> {
  const services: QueryMethod = {
    lane: 'lists',
    async *run(_, call) {
      yield { services: await store.services(call) }
    },
  }

  async function* spansOf(trace: JaegerTraceReader): AsyncGenerator<ProtoRecord> {
    let spans: ProtoRecord[] = []
    for await (const span of trace.spans()) {
      spans.push(spanRecord(span, trace.processes[span.processID]))
      if (spans.length < CHUNK_SPANS) continue
      yield { spans }
      spans = []
    }
    if (spans.length > 0) yield { spans }
  }

  return {
    [`${V2}.QueryService/GetServices`]: services,
    [`${V3}.QueryService/GetServices`]: services,

    [`${V2}.QueryService/GetOperations`]: {
      lane: 'lists',
      async *run({ service, span_kind: kind }, call) {
        const found = await store.operations(text(service), call)
        const operations = operationsOf(found, text(kind), '').map(operationRecord)
        yield { operationNames: [...new Set(operations.map(({ name }) => name))], operations }
      },
    },
    [`${V3}.QueryService/GetOperations`]: {
      lane: 'lists',
      async *run({ service, span_kind: kind }, call) {
        const found = await store.operations(text(service), call)
        yield { operations: operationsOf(found, text(kind)?.toLowerCase(), '').map(operationRecord) }
      },
    },

    [`${V2}.QueryService/GetTrace`]: {
      lane: 'traces',
      async *run(request, call) {
        const trace = await readTrace(store, idOf(request['trace_id']), request['raw_traces'] === true, call)
        if (trace === undefined) throw traceNotFound()
        yield* spansOf(trace)
      },
    },
    [`${V3}.QueryService/GetTrace`]: {
      lane: 'traces',
      async *run(request, call) {
        const id = idOf(request['trace_id'])
        const raw = request['raw_traces'] === true
        yield* otlpOf(store, await traceChunks(store, id, call), id, raw, call)
      },
    },

    [`${V2}.QueryService/ArchiveTrace`]: {
      lane: 'traces',
      // oxlint-disable-next-line require-yield -- it has no answer but an error
      async *run(request, call) {
        await archiveTrace(store, idOf(request['trace_id']), call)
      },
    },

    [`${V2}.QueryService/FindTraces`]: {
      lane: 'searches',
      async *run(request, call) {
        const asked = (request['query'] ?? {}) as ProtoRecord
        const query: Asked = {
          service: text(asked['service_name']),
          operation: text(asked['operation_name']),
          tags: mapText(asked['tags']),
          start: timeText(asked['start_time_min'], 1_000n),
          end: timeText(asked['start_time_max'], 1_000n),
          minDuration: durationText(asked['duration_min']),
          maxDuration: durationText(asked['duration_max']),
          limit: countText(asked['search_depth']),
        }
        yield* each(searchParams(query), call, async function* ({ traceId }) {
          const trace = await readTrace(store, traceId, asked['raw_traces'] === true, call)
          if (trace) yield* spansOf(trace)
        })
      },
    },
    [`${V3}.QueryService/FindTraces`]: {
      lane: 'searches',
      run(request, call) {
        const raw = (request['query'] as ProtoRecord | undefined)?.['raw_traces'] === true
        return each(searchQuery(v3Query(request)), call, ({ traceId }) =>
          otlpOf(store, store.trace(traceId, call), traceId, raw, call),
        )
      },
    },
    [`${V3}.QueryService/FindTraceSummaries`]: {
      lane: 'searches',
      run: (request, call) =>
        each(searchQuery(v3Query(request)), call, async function* (trace) {
          yield { summaries: [summaryRecord(trace)] }
        }),
    },

    [`${V2}.QueryService/GetDependencies`]: dependencies((edges) => edges.map((edge) => ({ ...edge, source: '' }))),
    [`${V3}.QueryService/GetDependencies`]: dependencies((edges) => edges),
  }

  /** What is told of each trace that is found. What was left out is told at the end, as the answer has no other place for it. */
  async function* each<T>(
    query: SearchQuery,
    call: QueryCall,
    tell: (trace: TraceSummary) => AsyncGenerator<T>,
  ): AsyncGenerator<T> {
    const { traces, complete } = await collectSearch(store.search(query, call))
    const time = readingTime(call.timeoutMs)
    for (const trace of traces) yield* time.reading(tell(trace))
    if (!complete) throw incomplete()
  }

  function dependencies(form: (edges: readonly ProtoRecord[]) => readonly ProtoRecord[]): QueryMethod {
    return {
      lane: 'searches',
      async *run(request, call) {
        const to = timeNs(request['end_time']) ?? nowNs()
        const from = timeNs(request['start_time']) ?? to - DAY_NS
        if (from > to) throw new RequestError(400, 'bad_parameter', 'start_time must be before end_time')
        const { edges, complete } = await store.dependencies(from, to, false, call)
        if (!complete) throw incomplete()
        const pairs = pairsOf(edges).map(({ parent, child, callCount }) => ({
          parent,
          child,
          call_count: BigInt(callCount),
        }))
        yield { dependencies: form(pairs) }
      },
    }
  }
}

const incomplete = () => new RequestError(504, 'timeout', INCOMPLETE)

function v3Query(request: ProtoRecord): Query {
  const asked = (request['query'] ?? {}) as ProtoRecord
  if (asked['filter'] !== undefined)
    throw new RequestError(
      400,
      'bad_parameter',
      'malformed parameter query.filter: structured filters are not supported',
    )
  const query: Asked = {
    'query.serviceName': text(asked['service_name']),
    'query.operationName': text(asked['operation_name']),
    'query.attributes': mapText(asked['attributes']),
    'query.startTimeMin': rfc3339(asked['start_time_min']),
    'query.startTimeMax': rfc3339(asked['start_time_max']),
    'query.durationMin': durationText(asked['duration_min']),
    'query.durationMax': durationText(asked['duration_max']),
    'query.searchDepth': countText(asked['search_depth']),
  }
  return query
}

function operationRecord({ name, spanKind }: ReturnType<typeof operationsOf>[number]): ProtoRecord {
  return { name, span_kind: spanKind }
}

function summaryRecord(summary: TraceSummary): ProtoRecord {
  const { traceId, rootService, rootName, start, durationNs, spans, errors, orphans, services } = summary
  return {
    trace_id: traceId,
    root_service_name: rootService,
    root_operation_name: rootName,
    min_start_time_unix_nano: start,
    max_end_time_unix_nano: start + BigInt(Math.round(durationNs)),
    span_count: spans,
    error_span_count: errors,
    orphan_span_count: orphans,
    services: services.map((one) => ({ name: one.name, span_count: one.spans, error_span_count: one.errors })),
  }
}

function idOf(value: ProtoValue): string {
  const hex = value instanceof Uint8Array ? Buffer.from(value).toString('hex') : (text(value) ?? '')
  const id = readTraceId(hex)
  if (id === undefined)
    throw new RequestError(400, 'bad_parameter', `malformed parameter trace_id: "${hex}" is not a trace id`)
  return id
}

function text(value: ProtoValue): string | undefined {
  return value === '' ? undefined : (value as string | undefined)
}

function countText(value: ProtoValue): string | undefined {
  return typeof value === 'number' && value !== 0 ? String(value) : undefined
}

function mapText(entries: ProtoValue): string | undefined {
  const pairs = (entries ?? []) as readonly ProtoRecord[]
  if (pairs.length === 0) return undefined
  return JSON.stringify(Object.fromEntries(pairs.map(({ key, value }) => [key ?? '', value ?? ''])))
}

/** A timestamp or duration in nanoseconds; undefined when it is not there. Go sends the year 1 where nothing was set. */
function timeNs(value: ProtoValue): bigint | undefined {
  if (value === undefined) return undefined
  const { seconds = 0n, nanos = 0 } = value as { seconds?: bigint; nanos?: number }
  return seconds < 0n ? undefined : seconds * 1_000_000_000n + BigInt(nanos)
}

function timeText(value: ProtoValue, unitNs: bigint): string | undefined {
  const ns = timeNs(value)
  return ns === undefined ? undefined : String(ns / unitNs)
}

function durationText(value: ProtoValue): string | undefined {
  const ns = timeNs(value)
  return ns === undefined || ns === 0n ? undefined : `${ns}ns`
}

function rfc3339(value: ProtoValue): string | undefined {
  const ns = timeNs(value)
  if (ns === undefined) return undefined
  const seconds = new Date(Number(ns / 1_000_000n)).toISOString().slice(0, 19)
  return `${seconds}.${String(ns % 1_000_000_000n).padStart(9, '0')}Z`
}

/** For who lists what there is. */
export const QUERY_SERVICES: readonly string[] = [`${V2}.QueryService`, `${V3}.QueryService`]
