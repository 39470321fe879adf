/** Arbitrary traces as our model has them, and the model in protobufjs's form. */
import * as fc from 'fast-check'
import type {
  AnyValue,
  KeyValue,
  Resource,
  ResourceSpans,
  Scope,
  ScopeSpans,
  Span,
  SpanEvent,
  SpanLink,
  TracesData,
} from './model.ts'
import { bytesToHex, hexToBytes } from './ids.ts'
import { id, type Message, oracleEncode, text } from './oracle.test.helper.ts'

const hexId = (width: number) =>
  fc.oneof({ weight: 8, arbitrary: id(width).map((bytes) => bytesToHex(bytes)) }, fc.constant(''))
const uint32 = fc.oneof(fc.nat({ max: 300 }), fc.integer({ min: 0, max: 0xffffffff }))
const time = fc.oneof(
  fc.bigInt({ min: 1_700_000_000_000_000_000n, max: 1_700_000_001_000_000_000n }),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
)

const { anyValue, keyValue } = fc.letrec<{ anyValue: AnyValue; keyValue: KeyValue }>((tie) => ({
  anyValue: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.record({ type: fc.constant('string' as const), value: text }),
    fc.record({ type: fc.constant('bool' as const), value: fc.boolean() }),
    fc.record({ type: fc.constant('int' as const), value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) }),
    fc.record({ type: fc.constant('double' as const), value: fc.double() }),
    fc.record({ type: fc.constant('bytes' as const), value: fc.uint8Array({ maxLength: 20 }) }),
    fc.constant({ type: 'empty' as const }),
    fc.record({ type: fc.constant('array' as const), value: fc.array(tie('anyValue'), { maxLength: 3 }) }),
    fc.record({ type: fc.constant('map' as const), value: fc.array(tie('keyValue'), { maxLength: 3 }) }),
  ),
  keyValue: fc.record({ key: text, value: tie('anyValue') }),
}))

const attributes = fc.array(keyValue, { maxLength: 4 })

const event: fc.Arbitrary<SpanEvent> = fc.record({
  timeUnixNano: time,
  name: text,
  attributes,
  droppedAttributesCount: uint32,
})

const link: fc.Arbitrary<SpanLink> = fc.record({
  traceId: hexId(16),
  spanId: hexId(8),
  traceState: text,
  attributes,
  droppedAttributesCount: uint32,
  flags: uint32,
})

export const span: fc.Arbitrary<Span> = fc.record({
  traceId: hexId(16),
  spanId: hexId(8),
  traceState: text,
  parentSpanId: hexId(8),
  flags: uint32,
  name: text,
  kind: fc.oneof(fc.nat({ max: 7 }), fc.integer()),
  startTimeUnixNano: time,
  endTimeUnixNano: time,
  attributes,
  droppedAttributesCount: uint32,
  events: fc.array(event, { maxLength: 3 }),
  droppedEventsCount: uint32,
  links: fc.array(link, { maxLength: 3 }),
  droppedLinksCount: uint32,
  status: fc.record({ code: fc.oneof(fc.nat({ max: 3 }), fc.integer()), message: text }),
})

const scope: fc.Arbitrary<Scope> = fc.record({
  name: text,
  version: text,
  attributes,
  droppedAttributesCount: uint32,
})

const serviceName: fc.Arbitrary<KeyValue> = fc.record({ key: fc.constant('service.name'), value: anyValue })

const resource: fc.Arbitrary<Resource> = fc.record({
  attributes: fc.array(fc.oneof(keyValue, serviceName), { maxLength: 4 }),
  droppedAttributesCount: uint32,
})

const scopeSpans: fc.Arbitrary<ScopeSpans> = fc.record({
  scope,
  spans: fc.array(span, { maxLength: 4 }),
  schemaUrl: text,
})

const resourceSpans: fc.Arbitrary<ResourceSpans> = fc.record({
  resource,
  scopeSpans: fc.array(scopeSpans, { maxLength: 3 }),
  schemaUrl: text,
})

export const traces: fc.Arbitrary<TracesData> = fc.record({
  resourceSpans: fc.array(resourceSpans, { maxLength: 3 }),
})

/** A request with one resource and one scope, both without any field. */
export function requestOf(spans: readonly Span[]): TracesData {
  return {
    resourceSpans: [
      {
        resource: { attributes: [], droppedAttributesCount: 0 },
        scopeSpans: [
          { scope: { name: '', version: '', attributes: [], droppedAttributesCount: 0 }, spans, schemaUrl: '' },
        ],
        schemaUrl: '',
      },
    ],
  }
}

/** The bytes that protobufjs makes of the model; it writes every field that is given, zeros too. */
export function oracleTraces(data: TracesData): Uint8Array {
  return oracleEncode('TracesData', convert(data, '', true) as Message)
}

/** The model in the form that protobufjs gives a message whose zeros were not written. */
export function oracleMessage(data: TracesData): Message {
  return convert(data, '', false) as Message
}

/** Ids become bytes, bigint text, and `AnyValue` a oneof. */
function convert(value: unknown, name: string, zeros: boolean): unknown {
  if (typeof value === 'bigint') return String(value)
  if (name === 'value') return convertAny(value as AnyValue, zeros)
  if (/^(trace|span|parentSpan)Id$/.test(name)) return hexToBytes(value as string)
  if (Array.isArray(value)) return value.map((item) => convert(item, '', zeros))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([key, item]) => zeros || !isZero(key, item))
  return Object.fromEntries(entries.map(([key, item]) => [key, convert(item, key, zeros)]))
}

function isZero(name: string, value: unknown): boolean {
  if (name === 'status') return Object.values(value as object).every((item) => isZero('', item))
  return value === 0 || value === 0n || value === '' || (Array.isArray(value) && value.length === 0)
}

function convertAny(value: AnyValue, zeros: boolean): Message {
  switch (value.type) {
    case 'string':
      return { stringValue: value.value }
    case 'bool':
      return { boolValue: value.value }
    case 'int':
      return { intValue: String(value.value) }
    case 'double':
      return { doubleValue: value.value }
    case 'bytes':
      return { bytesValue: value.value }
    case 'array':
      return {
        arrayValue: list(
          value.value.map((item) => convertAny(item, zeros)),
          zeros,
        ),
      }
    case 'map':
      return {
        kvlistValue: list(
          value.value.map((item) => convert(item, '', zeros)),
          zeros,
        ),
      }
    default:
      return {}
  }
}

function list(values: readonly unknown[], zeros: boolean): Message {
  return zeros || values.length > 0 ? { values } : {}
}
