/**
 * Zipkin's spans as OTLP, as the OpenTelemetry Collector does it. Where that loses something, it is kept: spans of one service whose resources are
 * others have resources of their own, an annotation or link in no form that is known stays as it is, and so does what is nested in an attribute.
 */
import type { KeyValue, Scope, Span, SpanEvent, SpanLink, SpanStatus, TracesData } from '@spoor/otlp'
import {
  linkTag,
  NO_SERVICE,
  START_ABSENT,
  TAGS,
  type ZipkinAnnotation,
  type ZipkinEndpoint,
  type ZipkinSpan,
} from '../../zipkin-helper/index.ts'
import { RESOURCE_KEYS } from './resource-keys.ts'
import { attributesFromJson, tagValue, textValue } from './values.ts'

type Tags = Map<string, string>

const KINDS = { SERVER: 2, CLIENT: 3, PRODUCER: 4, CONSUMER: 5 } as const
const INTERNAL = 1

const OK = 1
const ERROR = 2
/** As the specification has them, as protobuf does, and as some have written them. */
const CODES: Readonly<Record<string, number>> = {
  OK,
  ERROR,
  STATUS_CODE_OK: OK,
  STATUS_CODE_ERROR: ERROR,
  Ok: OK,
  Error: ERROR,
}

interface ScopeGroup {
  readonly scope: Scope
  readonly spans: Span[]
}

interface Group {
  readonly attributes: readonly KeyValue[]
  readonly scopes: Map<string, ScopeGroup>
}

/** `parses`: see {@link tagValue}. */
export function toOtlp(spans: Iterable<ZipkinSpan>, parses: boolean): TracesData {
  const groups = new Map<string, Group>()
  for (const span of spans) {
    const tags: Tags = new Map(span.tags)
    const resource = takeResource(span, tags)
    const name = takeScope(tags, TAGS.scopeNameToday, TAGS.scopeName)
    const version = name === '' ? '' : takeScope(tags, TAGS.scopeVersionToday, TAGS.scopeVersion)
    const group = madeOnce(groups, JSON.stringify(resource), () => ({
      attributes: resource.map(([key, value]) => ({ key, value: textValue(value) })),
      scopes: new Map<string, ScopeGroup>(),
    }))
    const { spans: own } = madeOnce(group.scopes, JSON.stringify([name, version]), () => ({
      scope: { name, version, attributes: [], droppedAttributesCount: 0 },
      spans: [],
    }))
    own.push(spanOf(span, tags, parses))
  }
  return {
    resourceSpans: Array.from(groups.values(), ({ attributes, scopes }) => ({
      resource: { attributes, droppedAttributesCount: 0 },
      scopeSpans: Array.from(scopes.values(), (group) => ({ ...group, schemaUrl: '' })),
      schemaUrl: '',
    })),
  }
}

function madeOnce<T>(all: Map<string, T>, key: string, make: () => T): T {
  const known = all.get(key)
  if (known !== undefined) return known
  const made = make()
  all.set(key, made)
  return made
}

/** The tag's value, or empty text; it is no tag any more. */
function take(tags: Tags, key: string): string {
  const value = tags.get(key) ?? ''
  tags.delete(key)
  return value
}

/** What the first of the tags says that is there; neither is a tag any more. */
function takeScope(tags: Tags, today: string, former: string): string {
  const isToday = tags.has(today)
  const [first, second] = [take(tags, today), take(tags, former)]
  return isToday ? first : second
}

/** The service first, then what tags say, by their names. */
function takeResource({ local }: ZipkinSpan, tags: Tags): [string, string][] {
  const source = take(tags, TAGS.serviceNameSource) || 'service.name'
  const service = local?.serviceName ?? ''
  const others = [...tags].filter(([key]) => RESOURCE_KEYS.has(key)).toSorted(([a], [b]) => (a < b ? -1 : 1))
  for (const [key] of others) tags.delete(key)
  return [...new Map([...(service === '' || service === NO_SERVICE ? [] : [[source, service] as const]), ...others])]
}

function spanOf(span: ZipkinSpan, tags: Tags, parses: boolean): Span {
  const { traceId, id, parentId, name, timestampUs, durationUs, local, remote } = span
  const kind = span.kind ? KINDS[span.kind] : take(tags, TAGS.kind) === 'internal' ? INTERNAL : 0
  const traceState = take(tags, TAGS.traceState)
  const status = takeStatus(tags)
  const links = takeLinks(tags)
  const attributes = new Map(Array.from(tags, ([key, text]) => [key, tagValue(text, parses)]))
  const tell = (key: string, text: string | undefined): void => {
    if (text) attributes.set(key, textValue(text))
  }
  const tellPort = (key: string, port = 0): void => {
    if (port > 0) attributes.set(key, { type: 'int', value: BigInt(port) })
  }
  tell('network.local.address', ipOf(local))
  tellPort('net.host.port', local?.port)
  tell('service.peer.name', remote?.serviceName)
  tell('network.peer.address', ipOf(remote))
  tellPort('net.peer.port', remote?.port)
  if (timestampUs === 0n) attributes.set(START_ABSENT, { type: 'bool', value: true })
  return {
    traceId,
    spanId: id,
    traceState,
    parentSpanId: parentId,
    flags: 0,
    name,
    kind,
    startTimeUnixNano: timestampUs * 1000n,
    endTimeUnixNano: (timestampUs + durationUs) * 1000n,
    attributes: Array.from(attributes, ([key, value]) => ({ key, value })),
    droppedAttributesCount: 0,
    events: span.annotations.map(eventOf),
    droppedEventsCount: 0,
    links,
    droppedLinksCount: 0,
    status,
  }
}

function ipOf(endpoint: ZipkinEndpoint | undefined): string | undefined {
  return endpoint?.ipv6 || endpoint?.ipv4
}

function takeStatus(tags: Tags): SpanStatus {
  let [code, message] = [0, '']
  if (tags.has(TAGS.statusCode)) {
    code = CODES[take(tags, TAGS.statusCode)] ?? 0
    message = take(tags, TAGS.statusMessage)
  }
  const error = tags.get(TAGS.error)
  if (error === undefined) return { code, message }
  if (error === 'true') tags.delete(TAGS.error)
  return { code: ERROR, message }
}

const LINK = /^([0-9a-f]{32})\|([0-9a-f]{16})\|([^|]*)\|(\{.*\})\|(\d{1,10})$/is

function takeLinks(tags: Tags): SpanLink[] {
  const links: SpanLink[] = []
  for (let index = 0; tags.has(linkTag(index)); index++) {
    const [, traceId, spanId, traceState, json, dropped] = LINK.exec(tags.get(linkTag(index))!) ?? []
    const attributes = json === undefined ? undefined : attributesFromJson(json)
    if (!attributes) continue
    tags.delete(linkTag(index))
    links.push({
      traceId: traceId!.toLowerCase(),
      spanId: spanId!.toLowerCase(),
      traceState: traceState!,
      attributes,
      droppedAttributesCount: Number(dropped),
      flags: 0,
    })
  }
  return links
}

const EVENT = /^([^|]*)\|(\{.*\})\|(\d{1,10})$/s

function eventOf({ timestampUs, value }: ZipkinAnnotation): SpanEvent {
  const [, name, json, dropped] = EVENT.exec(value) ?? []
  const attributes = json === undefined ? undefined : attributesFromJson(json)
  const timeUnixNano = timestampUs * 1000n
  return attributes
    ? { timeUnixNano, name: name!, attributes, droppedAttributesCount: Number(dropped) }
    : { timeUnixNano, name: value, attributes: [], droppedAttributesCount: 0 }
}
