/** Version 1 of Zipkin's spans as OTLP, as the OpenTelemetry Collector does it. */
import type { AnyValue, KeyValue, Span, SpanEvent, SpanStatus, TracesData } from '@spoor/otlp'
import { START_ABSENT, TAGS, type ZipkinAnnotation, type ZipkinEndpoint } from '../../zipkin-helper/index.ts'
import { textValue } from './values.ts'

export interface V1Span {
  readonly traceId: string
  readonly id: string
  readonly parentId: string
  readonly name: string
  /** 0: not known. */
  readonly timestampUs: bigint
  readonly durationUs: bigint
  readonly annotations: readonly (ZipkinAnnotation & { readonly endpoint: ZipkinEndpoint | undefined })[]
  readonly values: readonly V1Value[]
}

/** A "binary annotation". */
export interface V1Value {
  readonly key: string
  readonly value: AnyValue
  readonly endpoint: ZipkinEndpoint | undefined
}

const UNKNOWN: ZipkinEndpoint = { serviceName: 'unknown-service', ipv4: '', ipv6: '', port: 0 }
/** Annotations that say what a span is, and what kind that is. */
const KINDS: Readonly<Record<string, number>> = { cs: 3, cr: 3, ms: 4, mr: 5, ss: 2, sr: 2 }
/** The value that names the program where there is no service. */
const LOCAL_COMPONENT = 'lc'

/** `nowNs`: when a span begins of which nothing says when it did. */
export function v1ToOtlp(spans: Iterable<V1Span>, nowNs: bigint): TracesData {
  const groups = new Map<string, { readonly endpoint: ZipkinEndpoint; readonly spans: Span[] }>()
  for (const span of spans) {
    const endpoint = endpointOf(span)
    const key = JSON.stringify(endpoint)
    const group = groups.get(key) ?? { endpoint, spans: [] }
    groups.set(key, group)
    group.spans.push(spanOf(span, nowNs))
  }
  return {
    resourceSpans: Array.from(groups.values(), ({ endpoint, spans: own }) => ({
      resource: { attributes: resourceOf(endpoint), droppedAttributesCount: 0 },
      scopeSpans: [
        { scope: { name: '', version: '', attributes: [], droppedAttributesCount: 0 }, spans: own, schemaUrl: '' },
      ],
      schemaUrl: '',
    })),
  }
}

/** Who sent it: what an annotation says that says what it is, or else a value. */
function endpointOf({ annotations, values }: V1Span): ZipkinEndpoint {
  const core = annotations.find(({ value, endpoint }) => value in KINDS && endpoint && endpoint.serviceName !== '')
  if (core) return core.endpoint!
  const told = values.findLast(({ endpoint }) => endpoint && endpoint.serviceName !== '')?.endpoint?.serviceName
  const component = values.findLast(({ key }) => key === LOCAL_COMPONENT)?.value
  const serviceName = told ?? (component?.type === 'string' ? component.value : '')
  return serviceName === '' ? UNKNOWN : { ...UNKNOWN, serviceName }
}

function resourceOf({ serviceName, ipv4, ipv6, port }: ZipkinEndpoint): KeyValue[] {
  const all = { 'service.name': serviceName, ipv4, ipv6, port: port === 0 ? '' : String(port) }
  return Object.entries(all).flatMap(([key, text]) => (text === '' ? [] : [{ key, value: textValue(text) }]))
}

function spanOf(span: V1Span, nowNs: bigint): Span {
  const { traceId, id, parentId, name, durationUs } = span
  const annotations = span.annotations.filter(({ value }) => value !== '')
  const core = annotations.find(({ value }) => value in KINDS)
  const times = annotations.map(({ timestampUs }) => timestampUs)
  const status = new StatusFinder()
  const attributes = span.values.flatMap(({ key, value }): KeyValue[] =>
    status.takes(key, value) ? [] : [{ key: key === LOCAL_COMPONENT ? 'component' : key, value }],
  )
  let startUs = times.reduce((least, each) => (each < least ? each : least), times[0] ?? 0n)
  let endUs = times.reduce((most, each) => (each > most ? each : most), 0n)
  if (span.timestampUs !== 0n) [startUs, endUs] = [span.timestampUs, span.timestampUs + durationUs]
  const isAbsent = startUs === 0n
  if (isAbsent) attributes.push({ key: START_ABSENT, value: { type: 'bool', value: true } })
  return {
    traceId,
    spanId: id,
    traceState: '',
    parentSpanId: parentId,
    flags: 0,
    name,
    kind: core ? KINDS[core.value]! : 0,
    startTimeUnixNano: isAbsent ? nowNs : startUs * 1000n,
    endTimeUnixNano: isAbsent ? nowNs : endUs * 1000n,
    attributes: [...new Map(attributes.map((attribute) => [attribute.key, attribute])).values()],
    droppedAttributesCount: 0,
    events: annotations.filter(({ value }) => !(value in KINDS)).map(eventOf),
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    status: status.status,
  }
}

function eventOf({ timestampUs, value }: ZipkinAnnotation): SpanEvent {
  return { timeUnixNano: timestampUs * 1000n, name: value, attributes: [], droppedAttributesCount: 0 }
}

const ERROR = 2
const NAMED: Readonly<Record<string, number>> = { UNSET: 0, OK: 1, ERROR }

/** What the values say of how it went, by the first that says something: census, status, error, HTTP. */
class StatusFinder {
  #census: number | undefined
  #censusMessage = ''
  #status: number | undefined
  #statusMessage = ''
  #isError = false
  #http: number | undefined
  #httpMessage = ''

  /** Whether the value says that and nothing else. */
  takes(key: string, value: AnyValue): boolean {
    const text = value.type === 'string' ? value.value : ''
    switch (key) {
      case 'census.status_code': {
        const code = numberIn(value)
        if (code !== undefined) this.#census = code === 0 ? 1 : ERROR
        return true
      }
      case 'census.status_description':
      case 'opencensus.status_description':
        this.#censusMessage = text
        return true
      case TAGS.statusCode:
        this.#status = numberIn(value) ?? NAMED[text] ?? this.#status
        return true
      case TAGS.statusMessage:
        this.#statusMessage = text
        return true
      case TAGS.error:
        this.#isError = true
        return true
      case 'http.status_code':
      case 'http.response.status_code': {
        const code = numberIn(value)
        if (code !== undefined) this.#http = code >= 100 && code < 400 ? 0 : ERROR
        return false
      }
      case 'http.status_message':
        this.#httpMessage = text
        return false
      default:
        return false
    }
  }

  get status(): SpanStatus {
    if (this.#census !== undefined) return { code: this.#census, message: this.#censusMessage }
    if (this.#status !== undefined) return { code: this.#status, message: this.#statusMessage }
    if (this.#isError) return { code: ERROR, message: this.#censusMessage || this.#statusMessage }
    return this.#http === undefined ? { code: 0, message: '' } : { code: this.#http, message: this.#httpMessage }
  }
}

function numberIn(value: AnyValue): number | undefined {
  if (value.type === 'int') return Number(value.value)
  return value.type === 'string' && /^-?\d{1,9}$/.test(value.value) ? Number(value.value) : undefined
}
