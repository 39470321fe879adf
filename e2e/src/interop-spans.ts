/** The spans that each sender of ../interop sends, as they have to be in the store, and what is there. */
import { type AnyValue, decodeTraces, type KeyValue, type Span, type TracesData, tracesFromJson } from '@spoor/otlp'
import { eventually } from './spoor.ts'

const SPANS_PER_TRACE = 10
const KINDS = 5
const STORED_MS = 30_000

/** What not every language's SDK, or its exporter, says. */
export interface Abilities {
  /** Attributes of the scope. */
  readonly scopeAttributes?: boolean
  /** Trace states of links. */
  readonly linkStates?: boolean
  /** The flags of W3C. */
  readonly w3cFlags?: boolean
}

/** One run of a sender. */
export interface Run extends Abilities {
  /** The first eight digits of its trace ids. */
  readonly prefix: string
  /** Milliseconds since 1970. */
  readonly t0: number
  readonly count: number
  readonly service: string
}

const text = (value: string): AnyValue => ({ type: 'string', value })
const int = (value: number): AnyValue => ({ type: 'int', value: BigInt(value) })
const double = (value: number): AnyValue => ({ type: 'double', value })
const bool = (value: boolean): AnyValue => ({ type: 'bool', value })
const array = (...value: AnyValue[]): AnyValue => ({ type: 'array', value })

/** Attributes by name: their order is the SDK's. */
const byName = (attributes: readonly KeyValue[]): Record<string, AnyValue> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, value]))

const traceId = ({ prefix }: Run, trace: number): string => prefix + String(trace).padStart(24, '0')

const STATUSES = [
  { code: 0, message: '' },
  { code: 1, message: '' },
  { code: 2, message: 'failed ünï' },
]

/** Span `i`, without its id, its parent's, and flags beyond those of W3C. */
function expectedSpan(run: Run, i: number): object {
  const start = BigInt(run.t0 + i) * 1_000_000n + 123n
  return {
    traceId: traceId(run, Math.floor(i / SPANS_PER_TRACE)),
    traceState: 'vendor=value,other=1',
    name: `op-${i} ünï ✓ 日本`,
    kind: 1 + (i % KINDS),
    startTimeUnixNano: start,
    endTimeUnixNano: start + 5_000_000n + BigInt(i),
    attributes: {
      i: int(i),
      big: int(9_007_199_254_740_991),
      negative: int(-7),
      ratio: double(i + 0.5),
      ok: bool(i % 2 === 0),
      text: text(`zwölf 🧭 ${i}`),
      empty: text(''),
      strings: array(text('a'), text('ü')),
      ints: array(int(1), int(2), int(3)),
      doubles: array(double(0.5), double(1.5)),
      bools: array(bool(true), bool(false)),
    },
    droppedAttributesCount: 0,
    events: [
      { name: 'cache.miss', at: start + 1_000_000n, attributes: { key: text(`cart:${i}`), size: int(i) } },
      { name: 'retry ✓', at: start + 2_000_000n, attributes: {} },
    ],
    droppedEventsCount: 0,
    links: [
      {
        traceId: `a${'0'.repeat(31)}`,
        spanId: `b${'0'.repeat(15)}`,
        traceState: run.linkStates ? 'link=1' : '',
        attributes: { why: text('retry') },
      },
    ],
    droppedLinksCount: 0,
    status: STATUSES[i % STATUSES.length],
    sampled: run.w3cFlags ? 1 : 0,
  }
}

function storedSpan(span: Span): object {
  return {
    ...span,
    spanId: undefined,
    parentSpanId: undefined,
    flags: undefined,
    attributes: byName(span.attributes),
    events: span.events.map(({ name, timeUnixNano, attributes }) => ({
      name,
      at: timeUnixNano,
      attributes: byName(attributes),
    })),
    links: span.links.map((link) => ({
      traceId: link.traceId,
      spanId: link.spanId,
      traceState: link.traceState,
      attributes: byName(link.attributes),
    })),
    sampled: span.flags & 0xff,
  }
}

/** All that a run sent, in groups as {@link stored} has them. */
export function expectedTraces(run: Run): object[] {
  return Array.from({ length: run.count / SPANS_PER_TRACE }, (_, trace) => ({
    resource: {
      'service.name': text(run.service),
      'host.cores': int(8),
      'resource.text': text('zwölf 🧭'),
    },
    scope: { name: 'interop', version: '1.2.3', attributes: run.scopeAttributes ? { 'scope.kind': text('test') } : {} },
    schemaUrl: 'https://opentelemetry.io/schemas/1.30.0',
    /** Each span's parent, by its name; of the first, the remote id. */
    parents: [
      'b7ad6b7169203331',
      ...Array<string>(SPANS_PER_TRACE - 1).fill(`op-${trace * SPANS_PER_TRACE} ünï ✓ 日本`),
    ],
    spans: Array.from({ length: SPANS_PER_TRACE }, (__, i) => expectedSpan(run, trace * SPANS_PER_TRACE + i)),
  }))
}

/** What a backend has of it, by trace; waits until all spans are there. `read`: a trace by its id, or undefined. */
export async function storedTraces(read: (id: string) => Promise<TracesData | undefined>, run: Run): Promise<object[]> {
  const traces = Array.from({ length: run.count / SPANS_PER_TRACE }, (_, trace) => traceId(run, trace))
  return Promise.all(
    traces.map((id) =>
      eventually(
        `trace ${id} of ${run.service}`,
        async () => {
          const data = await read(id)
          return !data || spansOf(data).length < SPANS_PER_TRACE ? undefined : asExpected(data)
        },
        STORED_MS,
      ),
    ),
  )
}

/** Reads from a Spoor, by the URL of its page. */
export const fromSpoor =
  (page: string) =>
  async (id: string): Promise<TracesData | undefined> => {
    const response = await fetch(`${page}/api/spoor/v1/traces/${id}`)
    return response.ok ? decodeTraces(new Uint8Array(await response.arrayBuffer())) : undefined
  }

/** Reads from a Jaeger, by the URL of its query port, which answers with OTLP/JSON. */
export const fromJaeger =
  (query: string) =>
  async (id: string): Promise<TracesData | undefined> => {
    const response = await fetch(`${query}/api/v3/traces/${id}`)
    if (!response.ok) return undefined
    const { result } = (await response.json()) as { result: object }
    return decodeTraces(tracesFromJson(Buffer.from(JSON.stringify(result))))
  }

const spansOf = (data: TracesData): Span[] =>
  data.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))

function asExpected(data: TracesData): object {
  const indexOf = ({ name }: Span): number => Number(/\d+/.exec(name)?.[0])
  const spans = spansOf(data).toSorted((a, b) => indexOf(a) - indexOf(b))
  const names = new Map(spans.map((span) => [span.spanId, span.name]))
  const { resource, scopeSpans } = data.resourceSpans[0]!
  const { scope, schemaUrl } = scopeSpans[0]!
  return {
    resource: byName(resource.attributes),
    scope: { name: scope.name, version: scope.version, attributes: byName(scope.attributes) },
    schemaUrl,
    parents: spans.map(({ parentSpanId }) => names.get(parentSpanId) ?? parentSpanId),
    spans: spans.map(storedSpan),
  }
}
