import { ERROR_ORDERS, GROUP_ORDERS, ORDERS } from '@spoor/storage'
import type { LaneName } from '../http/lanes.ts'
import { choice, count, duration, optionalCount, type Parameter, requiredText, text, time } from './parameters.ts'

/** A route of Spoor's own API, as the OpenAPI document tells of it. */
export interface ApiRoute {
  /** Behind `/api/spoor/v1`, as Fastify writes it. */
  readonly path: string
  /** Default: `get`. */
  readonly method?: 'put' | 'post' | 'delete'
  readonly summary: string
  readonly parameters: readonly Parameter[]
  /** The lane of a question to the store, which also takes `timeout`. */
  readonly lane?: LaneName
  /** The media type of what it is sent. */
  readonly body?: string
  /** The type of the answer in `api.ts`, or its media type. */
  readonly answer: string
  /** The type in `api.ts` of its lines, for a client that accepts `application/x-ndjson`. */
  readonly lines?: string
  /** A query, without `?`, that any store answers. */
  readonly example: string
}

const TO = time('to', 'The last start that is asked about. Default: now, or the last one in the store.')
const FROM = time('from', 'The first start that is asked about. Default: the first one in the store.')

/** What is asked about. */
export const scope = {
  from: FROM,
  to: TO,
  minTraceDuration: duration('minTraceDuration', 'Only of traces that take at least so long.'),
  maxTraceDuration: duration('maxTraceDuration', 'Only of traces that take at most so long.'),
}
export const q = text('q', 'The query, in the language of the search bar; see docs/query.md. Default: everything.')
export const of = choice(
  'of',
  ['spans', 'requests'],
  'What counts: each span that matches (the default), or the root span of each trace with one.',
)
const asked: readonly Parameter[] = [q, ...Object.values(scope)]
const KEYS = '`service`, `name`, `kind`, `status`, or the key of an attribute; with commas in between, or repeated.'
const aligned = choice(
  'aligned',
  ['true', 'false'],
  'Whether the parts of the time begin at whole multiples, since 1970, of a step that clocks have, and are as many at most. Who asks again later gets the same parts, and gets them sooner. Default: false.',
)
const buckets = count('buckets', [0, 1_000], 0, 'Into how many parts the time is cut, for what each group did in each.')

export const search = {
  order: choice('order', ORDERS, 'Default: newest.'),
  limit: count('limit', [1, 10_000], 20, 'Traces of a page.'),
  cursor: text('cursor', 'The `next` of the page before.'),
  matches: count('matches', [0, 100], 3, 'Spans that matched, of each trace.'),
  totals: choice('totals', ['true', 'false'], 'Whether all that matches is counted, not only this page.'),
}
export const tail = {
  limit: count(
    'limit',
    [1, 500],
    100,
    'Traces that are told at a time, twice a second; the spans of others are missed.',
  ),
}
export const aggregate = {
  groupBy: text('groupBy', `Up to three keys: ${KEYS}`),
  percentiles: text(
    'percentiles',
    'Shares of durations, greater than 0 and at most 1, with commas in between. Default: 0.5,0.95,0.99.',
  ),
  order: choice('order', GROUP_ORDERS, 'By what groups are ordered, the greatest first. Default: count.'),
  limit: count(
    'limit',
    [1, 10_000],
    20,
    'Groups; all others are told of as one. With `buckets`: at most 100,000 together.',
  ),
  buckets,
  aligned,
  exemplars: count('exemplars', [0, 10], 1, 'Longest spans, or requests, that are named for each group.'),
}
export const heatMap = {
  timeBins: count('timeBins', [1, 1_000], 120, 'Bins of time.'),
  aligned,
  durationBins: count('durationBins', [1, 100], 24, 'Bins of duration, at most.'),
}
export const errorGroups = {
  order: choice('order', ERROR_ORDERS, 'Default: count.'),
  limit: count('limit', [1, 1_000], 50, 'Groups.'),
  buckets,
  aligned,
  exemplars: count('exemplars', [0, 10], 3, 'Latest spans that are named for each group.'),
}
export const bottleneck = {
  limit: count('limit', [1, 1_000], 50, 'Services, and operations.'),
  traces: optionalCount(
    'traces',
    [1, 1_000_000],
    'Of how many traces at most, newer ones rather than older. Default: all.',
  ),
}
export const flame = {
  traces: count('traces', [1, 1_000_000], 10_000, 'Of how many traces at most, newer ones rather than older.'),
  limit: count('limit', [1, 10_000], 1_000, 'Frames; all others are `others` of the frame that they are below.'),
  exemplars: count('exemplars', [0, 10], 1, 'Traces with most of its time, that are named for each frame.'),
}
export const compare = {
  rest: choice('rest', ['true', 'false'], 'Whether what `b` finds is left out of `a`: it with all others.'),
  keys: text('keys', `Of which keys differences are told; default: of all. ${KEYS}`),
  limit: count('limit', [1, 1_000], 50, 'Differences.'),
}
const sides: readonly Parameter[] = [
  text('a', 'The query that is compared with.'),
  text('b', 'The query that is compared.'),
  FROM,
  TO,
  ...(['a', 'b'] as const).flatMap((side) => [
    time(`${side}From`, `As \`from\`, for ${side} alone.`),
    time(`${side}To`, `As \`to\`, for ${side} alone.`),
  ]),
]
export const trace = {
  format: choice('format', ['protobuf', 'json'], 'Serialized `TracesData` (the default), or OTLP/JSON.'),
}
export const operations = { service: text('service', 'Of this service alone.') }
export const attributes = { limit: count('limit', [1, 10_000], 200, 'Keys.') }
export const attributeValues = {
  key: requiredText('key', 'The key of the attribute.'),
  limit: count('limit', [1, 10_000], 100, 'Values.'),
}
export const dependencies = {
  from: time('from', 'Default: a day before `to`.'),
  to: time('to', 'Default: now.'),
}

export const findings = {
  service: text('service', 'What is about this service alone.'),
  from: time('from', 'Default: an hour ago.'),
  to: time('to', 'Default: an hour ahead, as clocks differ.'),
}

/** Every route of Spoor's own API. */
export const API = {
  search: {
    path: '/search',
    summary:
      'Traces that match, page by page. To a client that accepts `application/x-ndjson`, line by line as they are found.',
    parameters: [...asked, ...Object.values(search)],
    lane: 'searches',
    answer: 'SearchResponse',
    lines: 'SearchLine',
    example: 'q=duration>10ms&from=1h&order=longest&limit=5',
  },
  tail: {
    path: '/tail',
    summary:
      'Traces that match, as they come from now on, as long as the client stays: line by line, or to a client that accepts `text/event-stream` as server-sent events.',
    parameters: [q, scope.minTraceDuration, scope.maxTraceDuration, search.matches, tail.limit],
    lane: 'tails',
    answer: 'application/x-ndjson',
    lines: 'TailLine',
    example: 'q=status:error&limit=20',
  },
  aggregate: {
    path: '/aggregate',
    summary: 'How many, how fast, how often they fail: of all that matches, by groups and by time.',
    parameters: [...asked, of, ...Object.values(aggregate)],
    lane: 'searches',
    answer: 'AggregateResponse',
    lines: 'AnswerLine<AggregateResponse>',
    example: 'q=kind:server&groupBy=service,name&percentiles=0.5,0.99&buckets=12&from=1h',
  },
  heatMap: {
    path: '/heatmap',
    summary: 'How many by time and duration, and how many of them failed.',
    parameters: [...asked, of, ...Object.values(heatMap)],
    lane: 'searches',
    answer: 'HeatMapResponse',
    lines: 'AnswerLine<HeatMapResponse>',
    example: 'of=requests&from=1d',
  },
  compare: {
    path: '/compare',
    summary: 'What is different in what one query finds from what another does.',
    parameters: [...sides, of, ...Object.values(compare)],
    lane: 'searches',
    answer: 'CompareResponse',
    lines: 'AnswerLine<CompareResponse>',
    example: 'a=duration<1s&b=duration>=1s&from=1h',
  },
  bottleneck: {
    path: '/bottleneck',
    summary: 'Which services and operations the requests waited for.',
    parameters: [...asked, ...Object.values(bottleneck)],
    lane: 'searches',
    answer: 'BottleneckResponse',
    lines: 'AnswerLine<BottleneckResponse>',
    example: 'from=1h&limit=10',
  },
  flame: {
    path: '/flame',
    summary: 'The call paths of many traces, folded into one.',
    parameters: [...asked, ...Object.values(flame)],
    lane: 'searches',
    answer: 'FlameResponse',
    lines: 'AnswerLine<FlameResponse>',
    example: 'q=root.service:checkout&traces=10000&limit=500',
  },
  errorGroups: {
    path: '/error-groups',
    summary: 'The same errors together: since when, how often, where.',
    parameters: [...asked, ...Object.values(errorGroups)],
    lane: 'searches',
    answer: 'ErrorGroupsResponse',
    lines: 'AnswerLine<ErrorGroupsResponse>',
    example: 'order=first_seen&limit=10',
  },
  trace: {
    path: '/traces/:id',
    summary: 'A trace, as it was sent.',
    parameters: Object.values(trace),
    lane: 'traces',
    answer: 'application/x-protobuf',
    example: 'format=json',
  },
  storeSpans: {
    path: '/traces',
    method: 'post',
    summary: 'Stores spans, past all pipelines: a serialized `TracesData` of at most 16 MiB.',
    parameters: [],
    lane: 'traces',
    body: 'application/x-protobuf',
    answer: 'StoredResponse',
    example: '',
  },
  report: {
    path: '/traces/:id/report',
    summary: 'What can be said of a trace: where its time went, and what is wrong with it.',
    parameters: [],
    lane: 'searches',
    answer: 'TraceReportResponse',
    example: '',
  },
  pins: {
    path: '/pins',
    summary: 'The traces that are pinned, which are kept longer than others; the latest pin first.',
    parameters: [],
    lane: 'lists',
    answer: 'PinsResponse',
    example: '',
  },
  pin: {
    path: '/traces/:id/pin',
    method: 'put',
    summary: 'Has a trace kept longer than others. 409 where Spoor was not started with `--keep pinned`.',
    parameters: [],
    lane: 'traces',
    answer: 'PinRow',
    example: '',
  },
  unpin: {
    path: '/traces/:id/pin',
    method: 'delete',
    summary: 'Takes the pin from a trace, be it stored or not. 404 where it has none.',
    parameters: [],
    lane: 'lists',
    answer: 'PinRow',
    example: '',
  },
  services: {
    path: '/services',
    summary: 'The names of all services.',
    parameters: [],
    lane: 'lists',
    answer: 'ServicesResponse',
    example: '',
  },
  operations: {
    path: '/operations',
    summary: 'Names and kinds of spans.',
    parameters: Object.values(operations),
    lane: 'lists',
    answer: 'OperationsResponse',
    example: 'service=checkout',
  },
  attributes: {
    path: '/attributes',
    summary: 'Keys of attributes, the most frequent first.',
    parameters: Object.values(attributes),
    lane: 'lists',
    answer: 'AttributesResponse',
    example: 'limit=50',
  },
  attributeValues: {
    path: '/attribute-values',
    summary: 'Values of an attribute.',
    parameters: Object.values(attributeValues),
    lane: 'lists',
    answer: 'AttributeValuesResponse',
    example: 'key=http.route&limit=50',
  },
  dependencies: {
    path: '/dependencies',
    summary: 'Which services call which, how often, how fast, how often in vain; messages, too.',
    parameters: Object.values(dependencies),
    lane: 'searches',
    answer: 'DependenciesResponse',
    example: 'from=1h',
  },
  findings: {
    path: '/findings',
    summary: 'What the newest traces show, and somebody can mend, with spans that show it and the way out.',
    parameters: Object.values(findings),
    lane: 'searches',
    answer: 'FindingsResponse',
    example: 'from=1h',
  },
  status: {
    path: '/status',
    summary: 'How Spoor is.',
    parameters: [],
    answer: 'StatusResponse',
    example: '',
  },
  pipelines: {
    path: '/pipelines',
    summary: 'How the pipelines are, of this Spoor and of the collectors that send to it.',
    parameters: [text('own', 'Given, without those of other collectors.')],
    answer: 'PipelinesResponse',
    example: 'own',
  },
  senders: {
    path: '/senders',
    summary: 'Who sends, with what success, and the very lines that mend what is wrong.',
    parameters: [],
    answer: 'SendersResponse',
    example: '',
  },
  tap: {
    path: '/tap',
    summary:
      'The edges of the collector’s graph; with `edge` the next items there, as lines of OTLP/JSON. On this machine only.',
    parameters: [
      text('edge', 'An edge, as the answer without it names them.'),
      text('count', 'How many items.'),
      text('redact', 'Keys of attributes whose values are not shown.'),
    ],
    answer: 'EdgesStatus',
    example: '',
  },
  config: {
    path: '/config',
    summary: 'The collector’s configuration, without its secrets. On this machine only.',
    parameters: [],
    answer: 'application/json',
    example: '',
  },
  openApi: {
    path: '/openapi.json',
    summary: 'This document.',
    parameters: [],
    answer: 'application/json',
    example: '',
  },
} as const satisfies Readonly<Record<string, ApiRoute>>
