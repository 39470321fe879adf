import {
  type AnyValue,
  base64ToBytes,
  type KeyValue,
  type Resource,
  type Scope,
  type Span,
  type SpanEvent,
  type SpanLink,
} from '@spoor/otlp'
import { UNKNOWN_SERVICE } from '../build.ts'
import type { JaegerProcess, JaegerReference, JaegerSpan, JaegerTag } from './jaeger-model.ts'
import { WARNINGS } from './jaeger-tags.ts'

const KINDS: Readonly<Record<string, number>> = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 }
const STATUSES: Readonly<Record<string, number>> = { OK: 1, ERROR: 2 }
/** Names of a process without a service name: Spoor's, and Jaeger's. */
const NO_SERVICE = new Set([UNKNOWN_SERVICE, 'OTLPResourceNoServiceName', 'missing-service-name'])

/** What is wrong with a value, and where in its span. */
export class JaegerProblem extends Error {
  override readonly name = 'JaegerProblem'
}

/** A span of Jaeger's JSON, and what of it belongs to its scope. */
export interface ReadSpan {
  readonly scope: Scope
  readonly span: Span
}

/**
 * A span as Jaeger's JSON has it, as OTLP: what this program's own `/api/traces` makes of that is the same JSON again. What Jaeger keeps as tags is
 * taken back to where OTLP has it: kind, status, scope, trace state. A tag `error` that is true makes the status an error where no
 * status is told. Throws {@link JaegerProblem}.
 *
 * Source: opentelemetry-collector-contrib `pkg/translator/jaeger/jaegerproto_to_traces.go`; jaeger v2.20 `internal/uimodel/model.go`.
 */
export function readJaegerSpan(json: JaegerSpan): ReadSpan {
  const traceId = idOf(json.traceID, 32, 'traceID')
  const tags = [...tagsOf(json.tags, 'tags')]
  const scope = {
    name: takeText(tags, ['otel.scope.name', 'otel.library.name'], 'first'),
    version: takeText(tags, ['otel.scope.version', 'otel.library.version'], 'first'),
    attributes: [],
    droppedAttributesCount: 0,
  }
  const traceState = takeText(tags, ['w3c.tracestate'], 'last')
  const message = takeText(tags, ['otel.status_description'], 'last')
  const kind = takeNumber(tags, 'span.kind', KINDS)
  const code = takeStatus(tags)
  const start = nanoseconds(json.startTime, 'startTime')
  const { parentSpanId, links } = readReferences(json, traceId)
  const { operationName } = json as { readonly operationName?: unknown }
  const warnings = listOf(json.warnings, 'warnings').map(String)
  const attributes = tags.map((tag) => attributeOf(tag, 'tags'))
  if (warnings.length > 0) attributes.push({ key: WARNINGS, value: { type: 'array', value: warnings.map(textValue) } })
  const span = {
    traceId,
    spanId: idOf(json.spanID, 16, 'spanID'),
    traceState,
    parentSpanId,
    flags: 0,
    name: typeof operationName === 'string' ? operationName : '',
    kind,
    startTimeUnixNano: start,
    endTimeUnixNano: start + nanoseconds(json.duration ?? 0, 'duration'),
    attributes,
    droppedAttributesCount: 0,
    events: (objectsOf(json.logs, 'logs') as JaegerSpan['logs']).map(readLog),
    droppedEventsCount: 0,
    links,
    droppedLinksCount: 0,
    status: { code, message },
  }
  return { scope, span }
}

/** The resource of a process; of one that is missing, one without attributes. */
export function readJaegerProcess(process: JaegerProcess | undefined): Resource {
  const name = process?.serviceName
  const service =
    typeof name === 'string' && !NO_SERVICE.has(name) ? [{ key: 'service.name', value: textValue(name) }] : []
  const tags = tagsOf(process?.tags, 'tags').map((tag) => attributeOf(tag, 'process.tags'))
  return { attributes: [...service, ...tags], droppedAttributesCount: 0 }
}

function readReferences(json: JaegerSpan, traceId: string): { parentSpanId: string; links: SpanLink[] } {
  const references = (objectsOf(json.references, 'references') as readonly JaegerReference[])
    .filter(({ traceID, spanID }) => traceID !== '' && spanID !== '')
    .map(({ refType, traceID, spanID }) => ({
      isParent: refType === 'CHILD_OF',
      traceId: idOf(traceID, 32, 'references.traceID'),
      spanId: idOf(spanID, 16, 'references.spanID'),
    }))
  const own = references.filter((reference) => reference.traceId === traceId)
  const parent = own.find(({ isParent }) => isParent) ?? own[0]
  // As older versions of Jaeger wrote it, which had no references.
  const { parentSpanID } = json as { parentSpanID?: unknown }
  const parentSpanId =
    parent?.spanId ??
    (typeof parentSpanID === 'string' && parentSpanID !== '' ? idOf(parentSpanID, 16, 'parentSpanID') : '')
  const links = references
    .filter((reference) => !(reference === parent && reference.isParent))
    .map(({ isParent, traceId, spanId }) => ({
      traceId,
      spanId,
      traceState: '',
      attributes: [{ key: 'opentracing.ref_type', value: textValue(isParent ? 'child_of' : 'follows_from') }],
      droppedAttributesCount: 0,
      flags: 0,
    }))
  return { parentSpanId: /[1-9a-f]/.test(parentSpanId) ? parentSpanId : '', links }
}

function readLog({ timestamp, fields }: JaegerSpan['logs'][number]): SpanEvent {
  const list = tagsOf(fields, 'logs.fields')
  const named = list.find(({ key, value }) => key === 'event' && typeof value === 'string')
  // One that is not the first was an attribute beside the name, and stays where it is.
  const rest = named && named === list[0] ? list.slice(1) : list
  return {
    timeUnixNano: nanoseconds(timestamp, 'logs.timestamp'),
    name: typeof named?.value === 'string' ? named.value : '',
    attributes: rest.map((tag) => attributeOf(tag, 'logs.fields')),
    droppedAttributesCount: 0,
  }
}

function attributeOf({ key, type, value }: JaegerTag, path: string): KeyValue {
  const fail = (): never => {
    throw new JaegerProblem(
      `${path}: ${JSON.stringify(key)} of type ${type} cannot have the value ${JSON.stringify(value)}`,
    )
  }
  if (typeof key !== 'string') throw new JaegerProblem(`${path}: a tag without a key`)
  switch (type?.toLowerCase()) {
    case 'bool':
      return { key, value: { type: 'bool', value: value === true || value === 'true' } }
    case 'int64':
      if (typeof value === 'number' ? !Number.isInteger(value) : !/^-?\d{1,19}$/.test(String(value))) fail()
      return { key, value: { type: 'int', value: BigInt.asIntN(64, BigInt(value)) } }
    case 'float64': {
      const number = Number(value)
      if (Number.isNaN(number) && value !== 'NaN') fail()
      return { key, value: { type: 'double', value: number } }
    }
    case 'binary':
      return { key, value: { type: 'bytes', value: base64ToBytes(String(value)) ?? fail() } }
    default:
      return { key, value: textValue(typeof value === 'string' ? value : JSON.stringify(value ?? '')) }
  }
}

/** The text of a tag with one of these keys, which goes from the list; '' when there is none. */
function takeText(tags: JaegerTag[], keys: readonly string[], which: 'first' | 'last'): string {
  const is = ({ key, value }: JaegerTag): boolean => keys.includes(key) && typeof value === 'string'
  const at = which === 'first' ? tags.findIndex(is) : tags.findLastIndex(is)
  return at < 0 ? '' : (tags.splice(at, 1)[0]!.value as string)
}

/** What the last tag with that key means; one that means nothing stays a tag. */
function takeNumber(tags: JaegerTag[], name: string, meanings: Readonly<Record<string, number>>): number {
  const at = tags.findLastIndex(
    ({ key, value }) => key === name && typeof value === 'string' && Object.hasOwn(meanings, value),
  )
  return at < 0 ? 0 : meanings[tags.splice(at, 1)[0]!.value as string]!
}

function takeStatus(tags: JaegerTag[]): number {
  const code = takeNumber(tags, 'otel.status_code', STATUSES)
  const isTold = code !== 0
  const at = tags.findLastIndex(({ key, value }) => key === 'error' && (value === true || value === 'true'))
  if (at >= 0 && (!isTold || code === 2)) tags.splice(at, 1)
  return isTold ? code : at >= 0 ? 2 : 0
}

/** Hex digits of either case, short ones with zeros before them: Jaeger leaves these out. */
function idOf(value: unknown, digits: number, path: string): string {
  if (typeof value !== 'string' || !/^[0-9a-f]*$/i.test(value) || value.length > digits || value === '') {
    throw new JaegerProblem(`${path}: ${JSON.stringify(value)} is not an id of up to ${digits} hex digits`)
  }
  return value.toLowerCase().padStart(digits, '0')
}

/** From microseconds. */
function nanoseconds(value: unknown, path: string): bigint {
  const number = Number(value)
  if (!Number.isFinite(number) || number < 0) {
    throw new JaegerProblem(`${path}: ${JSON.stringify(value)} is not a number of microseconds`)
  }
  return Number.isSafeInteger(number) ? BigInt(number) * 1000n : BigInt(Math.round(number * 1000))
}

function listOf(value: unknown, path: string): readonly unknown[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw new JaegerProblem(`${path}: not an array`)
  return value as unknown[]
}

function objectsOf(value: unknown, path: string): readonly object[] {
  return listOf(value, path).map((item) => {
    if (typeof item !== 'object' || item === null) throw new JaegerProblem(`${path}: not an object`)
    return item
  })
}

function tagsOf(value: unknown, path: string): readonly JaegerTag[] {
  return objectsOf(value, path) as readonly JaegerTag[]
}

function textValue(value: string): AnyValue {
  return { type: 'string', value }
}
