import {
  JAEGER_MODEL as MODEL,
  JAEGER_V2 as V2,
  protoMessage as message,
  TIME_FILES,
  TIME_IMPORTS,
  TIMESTAMP,
  DURATION,
} from '@spoor/collector'
import type { ProtoMessage, ProtoMethod, ProtoSource } from '@spoor/otlp'

/*
 * Jaeger's query services, as far as they are served. Source: jaeger-idl `proto/api_v2/{query,model}.proto`, `proto/api_v3/query_service.proto`.
 */

export const V3 = 'jaeger.api_v3'
const TRACES_DATA = 'opentelemetry.proto.trace.v1.TracesData'

/** The entries of a map of texts. */
function entry(name: string): ProtoMessage {
  return { ...message(name, ['1 key string', '2 value string']), isMapEntry: true }
}

/** What both versions have in the same form but for the name of the tags and of an id. */
function commonMessages(home: string, id: 'string' | 'bytes', tags: string, more: readonly string[]): ProtoMessage[] {
  return [
    message('GetTraceRequest', [
      `1 trace_id ${id}`,
      `2 start_time ${TIMESTAMP}`,
      `3 end_time ${TIMESTAMP}`,
      '4 raw_traces bool',
    ]),
    message(
      'TraceQueryParameters',
      [
        '1 service_name string',
        '2 operation_name string',
        `3 ${tags} ${home}.TraceQueryParameters.${capital(tags)}Entry*`,
        `4 start_time_min ${TIMESTAMP}`,
        `5 start_time_max ${TIMESTAMP}`,
        `6 duration_min ${DURATION}`,
        `7 duration_max ${DURATION}`,
        '8 search_depth int32',
        '9 raw_traces bool',
        ...more,
      ],
      [entry(`${capital(tags)}Entry`)],
    ),
    message('FindTracesRequest', [`1 query ${home}.TraceQueryParameters`]),
    message('GetServicesRequest', []),
    message('GetServicesResponse', ['1 services string*']),
    message('GetOperationsRequest', ['1 service string', '2 span_kind string']),
    message('Operation', ['1 name string', '2 span_kind string']),
    message('GetDependenciesRequest', [`1 start_time ${TIMESTAMP}`, `2 end_time ${TIMESTAMP}`]),
  ]
}

function service(home: string, methods: Readonly<Record<string, readonly [input: string, output: string]>>) {
  const full = (name: string): string => (name.includes('.') ? name : `${home}.${name}`)
  return {
    name: 'QueryService',
    methods: Object.entries(methods).map(([name, [input, output]]): ProtoMethod => {
      const streams = output.startsWith('stream ')
      return { name, input: full(input), output: full(output.replace('stream ', '')), ...(streams && { streams }) }
    }),
  }
}

const QUERY_V2: ProtoSource = {
  name: 'query.proto',
  package: V2,
  imports: [MODEL.name, ...TIME_IMPORTS],
  messages: [
    ...commonMessages(V2, 'bytes', 'tags', []),
    message('SpansResponseChunk', [`1 spans ${V2}.Span*`]),
    message('ArchiveTraceRequest', ['1 trace_id bytes', `2 start_time ${TIMESTAMP}`, `3 end_time ${TIMESTAMP}`]),
    message('ArchiveTraceResponse', []),
    message('GetOperationsResponse', ['1 operationNames string*', `2 operations ${V2}.Operation*`]),
    message('GetDependenciesResponse', [`1 dependencies ${V2}.DependencyLink*`]),
  ],
  service: service(V2, {
    GetTrace: ['GetTraceRequest', 'stream SpansResponseChunk'],
    ArchiveTrace: ['ArchiveTraceRequest', 'ArchiveTraceResponse'],
    FindTraces: ['FindTracesRequest', 'stream SpansResponseChunk'],
    GetServices: ['GetServicesRequest', 'GetServicesResponse'],
    GetOperations: ['GetOperationsRequest', 'GetOperationsResponse'],
    GetDependencies: ['GetDependenciesRequest', 'GetDependenciesResponse'],
  }),
}

const QUERY_V3: ProtoSource = {
  name: 'query_service.proto',
  package: V3,
  imports: [...TIME_IMPORTS, 'opentelemetry/proto/trace/v1/trace.proto'],
  messages: [
    // `filter` is an expression, which is refused whatever it says.
    ...commonMessages(V3, 'string', 'attributes', ['10 filter bytes']),
    message('GetOperationsResponse', [`1 operations ${V3}.Operation*`]),
    message('DependenciesResponse', [`1 dependencies ${V3}.Dependency*`]),
    message('Dependency', ['1 parent string', '2 child string', '3 call_count uint64']),
    message('ServiceSummary', ['1 name string', '2 span_count int32', '3 error_span_count int32']),
    message('TraceSummary', [
      '1 trace_id string',
      '2 root_service_name string',
      '3 root_operation_name string',
      '4 min_start_time_unix_nano fixed64',
      '5 max_end_time_unix_nano fixed64',
      '6 span_count int32',
      '7 error_span_count int32',
      '8 orphan_span_count int32',
      `9 services ${V3}.ServiceSummary*`,
    ]),
    message('FindTraceSummariesRequest', [`1 query ${V3}.TraceQueryParameters`]),
    message('FindTraceSummariesResponse', [`1 summaries ${V3}.TraceSummary*`]),
  ],
  service: service(V3, {
    GetTrace: ['GetTraceRequest', `stream ${TRACES_DATA}`],
    FindTraces: ['FindTracesRequest', `stream ${TRACES_DATA}`],
    GetServices: ['GetServicesRequest', 'GetServicesResponse'],
    GetOperations: ['GetOperationsRequest', 'GetOperationsResponse'],
    GetDependencies: ['GetDependenciesRequest', 'DependenciesResponse'],
    FindTraceSummaries: ['FindTraceSummariesRequest', 'stream FindTraceSummariesResponse'],
  }),
}

/** Each behind those that it imports, but for OTLP's. */
export const JAEGER_PROTOS: readonly ProtoSource[] = [...TIME_FILES, MODEL, QUERY_V2, QUERY_V3]

function capital(name: string): string {
  return name[0]!.toUpperCase() + name.slice(1)
}
