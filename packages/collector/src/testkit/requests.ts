/** Realistic OTLP requests, the same ones for the same spec. */
import {
  encodeTraces,
  logsFromJson,
  metricsFromJson,
  type KeyValue,
  type Span,
  type SpanEvent,
  type SpanLink,
} from '@spoor/otlp'

export interface TracesRequest {
  /** Spans in the request. Default 1. */
  readonly spans?: number
  /** Traces that they are spread over. Default: one for every 8 spans. */
  readonly traces?: number
  /** Services, each a `ResourceSpans`. Default 1. */
  readonly services?: number
  /** Attributes a span; 10 give spans of about 470 bytes. Default 10. */
  readonly attributes?: number
  /** Same seed, same bytes. Default 1. */
  readonly seed?: number
  /** Start of the first span in nanoseconds since 1970. Default 2026-01-01. */
  readonly startUnixNano?: bigint
  /** Adds an event and a link to every span. Default false. */
  readonly rich?: boolean
}

const START = 1_767_225_600_000_000_000n
const ROUTES = ['/cart', '/checkout', '/products/{id}', '/users/{id}/orders', '/health', '/search']
const METHODS = ['GET', 'POST', 'PUT', 'DELETE']

/** A serialized `ExportTraceServiceRequest`. */
export function tracesRequest(spec: TracesRequest = {}): Uint8Array {
  const { spans = 1, services = 1, attributes = 10, seed = 1, startUnixNano = START, rich = false } = spec
  const traces = spec.traces ?? Math.ceil(spans / 8)
  const random = createRandom(seed)
  const traceIds = Array.from({ length: traces }, () => random.hex(16))
  const roots = new Map<string, string>()
  const made = Array.from({ length: spans }, (_, index) => {
    const traceId = traceIds[index % traces]!
    const span = createSpan(
      random,
      traceId,
      roots.get(traceId) ?? '',
      startUnixNano + BigInt(index) * 1000n,
      attributes,
      rich,
    )
    if (!roots.has(traceId)) roots.set(traceId, span.spanId)
    return span
  })
  return encodeTraces({
    resourceSpans: Array.from({ length: Math.min(services, spans) || 1 }, (_, service) => ({
      resource: {
        attributes: [
          text('service.name', `service-${service}`),
          text('service.version', '1.4.2'),
          text('host.name', `host-${service}.example.internal`),
          text('telemetry.sdk.language', 'nodejs'),
        ],
        droppedAttributesCount: 0,
      },
      scopeSpans: [
        {
          scope: {
            name: '@opentelemetry/instrumentation-http',
            version: '0.301.0',
            attributes: [],
            droppedAttributesCount: 0,
          },
          spans: made.filter((_, index) => index % services === service),
          schemaUrl: '',
        },
      ],
      schemaUrl: 'https://opentelemetry.io/schemas/1.37.0',
    })),
  })
}

function createSpan(
  random: Random,
  traceId: string,
  parentSpanId: string,
  start: bigint,
  attributes: number,
  rich: boolean,
): Span {
  const route = random.pick(ROUTES)
  const method = random.pick(METHODS)
  const failed = random.below(50) === 0
  const end = start + BigInt(random.below(200_000_000))
  const events: SpanEvent[] = rich
    ? [
        {
          timeUnixNano: start + 5n,
          name: 'cache.miss',
          attributes: [text('cache.key', random.hex(8))],
          droppedAttributesCount: 0,
        },
      ]
    : []
  const links: SpanLink[] = rich
    ? [
        {
          traceId: random.hex(16),
          spanId: random.hex(8),
          traceState: '',
          attributes: [],
          droppedAttributesCount: 0,
          flags: 1,
        },
      ]
    : []
  return {
    traceId,
    spanId: random.hex(8),
    traceState: '',
    parentSpanId,
    flags: 257,
    name: `${method} ${route}`,
    kind: parentSpanId === '' ? 2 : 1 + random.below(5),
    startTimeUnixNano: start,
    endTimeUnixNano: end,
    attributes: createAttributes(random, method, route, failed)
      .slice(0, attributes)
      .concat(extraAttributes(random, attributes - 10)),
    droppedAttributesCount: 0,
    events,
    droppedEventsCount: 0,
    links,
    droppedLinksCount: 0,
    status: { code: failed ? 2 : 0, message: failed ? 'upstream connect error' : '' },
  }
}

function createAttributes(random: Random, method: string, route: string, failed: boolean): KeyValue[] {
  return [
    text('http.request.method', method),
    text('http.route', route),
    number('http.response.status_code', failed ? 503 : 200),
    text(
      'url.full',
      `https://shop.example.com${route.replace('{id}', String(random.below(100_000)))}?q=${random.hex(4)}`,
    ),
    text('server.address', 'shop.example.com'),
    number('server.port', 443),
    text('user_agent.original', 'Mozilla/5.0 (X11; Linux x86_64)'),
    text('client.address', `10.${random.below(256)}.${random.below(256)}.${random.below(256)}`),
    text('network.protocol.version', '1.1'),
    text('enduser.id', random.hex(8)),
  ]
}

function extraAttributes(random: Random, count: number): KeyValue[] {
  return Array.from({ length: Math.max(0, count) }, (_, index) => text(`app.label.${index}`, random.hex(6)))
}

/** A serialized `ExportMetricsServiceRequest` with that many gauge points. */
export function metricsRequest(points: number): Uint8Array {
  const dataPoints = Array.from({ length: points }, (_, index) => ({
    timeUnixNano: String(START + BigInt(index)),
    asDouble: index + 0.5,
  }))
  return metricsFromJson(
    JSON.stringify({
      resourceMetrics: [
        {
          resource: {},
          scopeMetrics: [{ scope: { name: 'test' }, metrics: [{ name: 'queue.length', gauge: { dataPoints } }] }],
        },
      ],
    }),
  )
}

/** A serialized `ExportLogsServiceRequest` with that many records. */
export function logsRequest(records: number): Uint8Array {
  const logRecords = Array.from({ length: records }, (_, index) => ({
    timeUnixNano: String(START + BigInt(index)),
    severityNumber: 9,
    body: { stringValue: `line ${index}` },
  }))
  return logsFromJson(
    JSON.stringify({ resourceLogs: [{ resource: {}, scopeLogs: [{ scope: { name: 'test' }, logRecords }] }] }),
  )
}

function text(key: string, value: string): KeyValue {
  return { key, value: { type: 'string', value } }
}

function number(key: string, value: number): KeyValue {
  return { key, value: { type: 'int', value: BigInt(value) } }
}

interface Random {
  /** A whole number from 0 to below `limit`. */
  below(limit: number): number
  pick<T>(items: readonly T[]): T
  /** That many random bytes in hex. */
  hex(bytes: number): string
}

/** mulberry32, a small generator with good spread. */
function createRandom(seed: number): Random {
  let state = seed | 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return (t ^ (t >>> 14)) >>> 0
  }
  const below = (limit: number): number => next() % limit
  return {
    below,
    pick: (items) => items[below(items.length)]!,
    hex: (bytes) => Array.from({ length: bytes }, () => below(256).toString(16).padStart(2, '0')).join(''),
  }
}
