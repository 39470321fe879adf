import { encodeTraces, type KeyValue, type Span } from '@spoor/otlp'
import { Fields } from '../write/fields.ts'
import { KIND_NAMES, STATUS_NAMES } from '../write/columns.ts'
import type { StoredSpan } from '../sql/spans.ts'

type Attributes = Readonly<Record<string, string>>
/** What `tables.ts` tells of a span that somebody else has stored. */
type Told = readonly [
  traceId: string,
  spanId: string,
  parentSpanId: string,
  traceState: string,
  name: string,
  kind: string,
  start: string,
  duration: string,
  status: string,
  message: string,
  resource: Attributes,
  scopeName: string,
  scopeVersion: string,
  attributes: Attributes,
  eventTimes: readonly string[],
  eventNames: readonly string[],
  eventAttributes: readonly Attributes[],
  linkTraces: readonly string[],
  linkSpans: readonly string[],
  linkStates: readonly string[],
  linkAttributes: readonly Attributes[],
]

const ITEMS = 0x12
const KINDS: readonly string[] = KIND_NAMES
const STATUSES: readonly string[] = STATUS_NAMES

/** A span of its columns, as far as these tell of it: values of attributes are text, flags and counts of what was dropped are not known. */
export function rebuiltSpan(json: string): StoredSpan {
  const told = JSON.parse(json) as Told
  const [, , , , , , , , , , resource, scopeName, scopeVersion] = told
  const bytes = encodeTraces({
    resourceSpans: [
      {
        resource: { attributes: attributesOf(resource), droppedAttributesCount: 0 },
        schemaUrl: '',
        scopeSpans: [
          {
            scope: { name: scopeName, version: scopeVersion, attributes: [], droppedAttributesCount: 0 },
            schemaUrl: '',
            spans: [spanOf(told)],
          },
        ],
      },
    ],
  })
  const request = partsOf(bytes, 0, bytes.length)
  const ofResource = partsOf(bytes, request.first[0], request.first[1])
  const ofScope = partsOf(bytes, ofResource.items[0], ofResource.items[1])
  return {
    resource: bytes.subarray(request.first[0], ofResource.itemsField),
    scope: bytes.subarray(ofResource.items[0], ofScope.itemsField),
    span: bytes.subarray(...ofScope.items),
  }
}

interface Parts {
  /** The payload of the first field. */
  readonly first: readonly [start: number, end: number]
  /** The payload of the field that leads to spans, and where the field begins. */
  readonly items: readonly [start: number, end: number]
  readonly itemsField: number
}

function partsOf(bytes: Uint8Array, start: number, end: number): Parts {
  const fields = new Fields()
  fields.open(bytes, start, end)
  let [first, items]: (readonly [number, number])[] = []
  let itemsField = end
  while (fields.next()) {
    first ??= [fields.start, fields.end]
    if (fields.tag !== ITEMS) continue
    items = [fields.start, fields.end]
    itemsField = fields.fieldStart
  }
  return { first: first ?? [start, start], items: items ?? [end, end], itemsField }
}

function spanOf(told: Told): Span {
  const [traceId, spanId, parentSpanId, traceState, name, kind, start, duration, status, message, , , , attributes] =
    told
  const [, , , , , , , , , , , , , , times, names, ofEvents, linkTraces, linkSpans, linkStates, ofLinks] = told
  const startTimeUnixNano = BigInt(start)
  return {
    traceId,
    spanId,
    parentSpanId,
    traceState,
    flags: 0,
    name,
    kind: Math.max(0, KINDS.indexOf(kind)),
    startTimeUnixNano,
    endTimeUnixNano: startTimeUnixNano + BigInt(duration),
    attributes: attributesOf(attributes),
    droppedAttributesCount: 0,
    events: names.map((each, i) => ({
      timeUnixNano: BigInt(times[i]!),
      name: each,
      attributes: attributesOf(ofEvents[i]!),
      droppedAttributesCount: 0,
    })),
    droppedEventsCount: 0,
    links: linkTraces.map((trace, i) => ({
      traceId: trace,
      spanId: linkSpans[i]!,
      traceState: linkStates[i]!,
      attributes: attributesOf(ofLinks[i]!),
      droppedAttributesCount: 0,
      flags: 0,
    })),
    droppedLinksCount: 0,
    status: { code: Math.max(0, STATUSES.indexOf(status)), message },
  }
}

function attributesOf(attributes: Attributes): KeyValue[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: { type: 'string', value } }))
}
