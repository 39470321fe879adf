/** One item of a tap, as a person reads it. */
import { figure, plain, type Terminal } from './terminal.ts'

interface Value {
  readonly stringValue?: string
  readonly boolValue?: boolean
  readonly intValue?: string | number
  readonly doubleValue?: number | string
  readonly bytesValue?: string
  readonly arrayValue?: { readonly values?: readonly Value[] }
  readonly kvlistValue?: { readonly values?: readonly Attribute[] }
}
interface Attribute {
  readonly key: string
  readonly value?: Value
}
interface Described {
  readonly name?: string
  readonly attributes?: readonly Attribute[]
}
interface Span extends Described {
  readonly traceId?: string
  readonly spanId?: string
  readonly parentSpanId?: string
  readonly kind?: number
  readonly startTimeUnixNano?: string
  readonly endTimeUnixNano?: string
  readonly status?: { readonly code?: number; readonly message?: string }
  readonly events?: readonly Described[]
  readonly links?: readonly unknown[]
}
interface LogRecord extends Described {
  readonly severityText?: string
  readonly body?: Value
  readonly traceId?: string
  readonly spanId?: string
}
interface Metric extends Described {
  readonly unit?: string
}
/** A request with one item, in the words of OTLP/JSON. */
export interface TappedRequest {
  readonly resourceSpans?: readonly {
    resource?: Described
    scopeSpans?: readonly { scope?: Described; spans?: readonly Span[] }[]
  }[]
  readonly resourceLogs?: readonly {
    resource?: Described
    scopeLogs?: readonly { scope?: Described; logRecords?: readonly LogRecord[] }[]
  }[]
  readonly resourceMetrics?: readonly {
    resource?: Described
    scopeMetrics?: readonly { scope?: Described; metrics?: readonly Metric[] }[]
  }[]
}

const KINDS = ['', 'internal', 'server', 'client', 'producer', 'consumer']

/** The lines of one item, and an empty one after it. */
export function itemLines(request: TappedRequest, terminal: Terminal): string[] {
  const resource = (request.resourceSpans ?? request.resourceLogs ?? request.resourceMetrics)?.[0]?.resource
  const service = text(resource?.attributes?.find(({ key }) => key === 'service.name')?.value)
  const spans = request.resourceSpans?.[0]?.scopeSpans?.[0]
  const logs = request.resourceLogs?.[0]?.scopeLogs?.[0]
  const metrics = request.resourceMetrics?.[0]?.scopeMetrics?.[0]
  const scope = (spans ?? logs ?? metrics)?.scope?.name
  const [span, record, metric] = [spans?.spans?.[0], logs?.logRecords?.[0], metrics?.metrics?.[0]]
  const details = span
    ? spanDetails(span, terminal)
    : record
      ? recordDetails(record, terminal)
      : metric
        ? metricDetails(metric, terminal)
        : []
  const [title = '', ...rest] = details
  const own = resource?.attributes?.filter(({ key }) => key !== 'service.name')
  const below = [
    ...rest,
    ...row('resource', attributes(own), terminal),
    ...row('scope', plain(scope ?? '', 100), terminal),
  ]
  return [`${plain(service, 100) || '?'}  ${title}`, ...below.map((line) => `  ${line}`), '']
}

/** What there is of one kind, behind its label. */
function row(label: string, content: string, terminal: Terminal): string[] {
  return content === '' ? [] : [`${terminal.tone('gray', label.padEnd(10))} ${content}`]
}

function spanDetails(span: Span, terminal: Terminal): string[] {
  const {
    name = '',
    kind = 0,
    status = {},
    traceId = '',
    spanId = '',
    parentSpanId = '',
    events = [],
    links = [],
  } = span
  const state =
    status.code === 2
      ? terminal.tone('red', `error ${plain(status.message ?? '', 200)}`.trim())
      : status.code === 1
        ? terminal.tone('green', 'ok')
        : ''
  const title = [terminal.tone('bold', plain(name, 200)), KINDS[kind] ?? String(kind), duration(span), state]
  const parent = parentSpanId === '' ? '' : `  ${terminal.tone('gray', 'parent')} ${parentSpanId}`
  return [
    title.filter((part) => part !== '').join('  '),
    ...row('trace', `${traceId}  ${terminal.tone('gray', 'span')} ${spanId}${parent}`, terminal),
    ...row('attributes', attributes(span.attributes), terminal),
    ...events.flatMap(({ name = '', attributes: own }) =>
      row('event', `${plain(name, 100) || '?'}  ${attributes(own)}`.trimEnd(), terminal),
    ),
    ...row('links', links.length > 0 ? String(links.length) : '', terminal),
  ]
}

function recordDetails(
  { severityText = '', body, traceId = '', attributes: own }: LogRecord,
  terminal: Terminal,
): string[] {
  return [
    `${plain(severityText, 20)}  ${plain(text(body), 500)}`.trim(),
    ...row('trace', traceId, terminal),
    ...row('attributes', attributes(own), terminal),
  ]
}

function metricDetails(metric: Metric, terminal: Terminal): string[] {
  const { name = '', unit = '' } = metric
  const [kind, data] = Object.entries(metric).find(([, value]) => hasPoints(value)) ?? ['', undefined]
  const point = hasPoints(data) ? data.dataPoints[0] : undefined
  const value = point?.asDouble ?? point?.asInt ?? (point?.count === undefined ? '' : `count ${point.count}`)
  return [
    `${terminal.tone('bold', plain(name, 200))}  ${kind}  ${value} ${plain(unit, 20)}`.trimEnd(),
    ...row('attributes', attributes(point?.attributes), terminal),
  ]
}

interface DataPoint extends Described {
  readonly asDouble?: number | string
  readonly asInt?: number | string
  readonly count?: number | string
}

function hasPoints(value: unknown): value is { readonly dataPoints: readonly DataPoint[] } {
  return typeof value === 'object' && value !== null && 'dataPoints' in value
}

function attributes(list: readonly Attribute[] = []): string {
  return list.map(({ key, value }) => `${plain(key, 100)}=${plain(text(value), 200)}`).join('  ')
}

function text(value: Value | undefined): string {
  if (value === undefined) return ''
  const { stringValue, boolValue, intValue, doubleValue, bytesValue, arrayValue, kvlistValue } = value
  if (arrayValue) return `[${(arrayValue.values ?? []).map(text).join(', ')}]`
  if (kvlistValue) return `{${attributes(kvlistValue.values)}}`
  return String(stringValue ?? boolValue ?? intValue ?? doubleValue ?? bytesValue ?? '')
}

function duration({ startTimeUnixNano: start, endTimeUnixNano: end }: Span): string {
  if (start === undefined || end === undefined) return ''
  const ms = Number(BigInt(end) - BigInt(start)) / 1e6
  return `${figure(ms, ms < 100 ? 2 : 0)} ms`
}
