/** OTLP as Zipkin's spans, as the OpenTelemetry specification (trace/sdk_exporters/zipkin.md) and Collector have it. */
import { isIP } from 'node:net'
import {
  valueToJsonText,
  type AnyValue,
  type KeyValue,
  type Scope,
  type Span,
  type SpanEvent,
  type TracesData,
} from '@spoor/otlp'
import {
  linkTag,
  NO_SERVICE,
  START_ABSENT,
  TAGS,
  type ZipkinEndpoint,
  type ZipkinKind,
  type ZipkinSpan,
} from '../../zipkin-helper/index.ts'

type Tags = Map<string, string>

const KINDS: readonly (ZipkinKind | undefined)[] = [undefined, undefined, 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER']
const INTERNAL = 1
/** As the OpenTelemetry Collector has them, and reads them. */
const CODES = ['', 'STATUS_CODE_OK', 'STATUS_CODE_ERROR'] as const
const ERROR = 2
/** Attributes that name a service, the first that is there. */
const SERVICE_KEYS = ['service.name', 'faas.name', 'k8s.deployment.name', 'process.executable.name'] as const

/** `defaultService`: what a service is called that has no name. */
export function fromOtlp({ resourceSpans }: TracesData, defaultService: string): ZipkinSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const tags = tagsOf(resource.attributes)
    tellFormerly(tags, 'cloud.resource_id', 'faas.id')
    tags.delete('cloud.resource_id')
    const service = takeService(tags) || defaultService
    return scopeSpans.flatMap(({ scope, spans }) => {
      const around = new Map([...tags, ...scopeTags(scope)])
      return spans.map((span) => spanOf(span, around, service))
    })
  })
}

/** Also by the name that it had, which those who read Zipkin's tags know. */
function tellFormerly(tags: Tags, today: string, former: string): void {
  const text = tags.get(today)
  if (text !== undefined && !tags.has(former)) tags.set(former, text)
}

function tagsOf(attributes: readonly KeyValue[]): Tags {
  return new Map(attributes.map(({ key, value }) => [key, textOf(value)]))
}

function textOf(value: AnyValue): string {
  switch (value.type) {
    case 'string':
      return value.value
    case 'empty':
      return ''
    case 'bytes':
      return Buffer.from(value.value).toString('base64')
    default:
      return valueToJsonText(value)
  }
}

function takeService(tags: Tags): string {
  const key = SERVICE_KEYS.find((each) => tags.has(each))
  if (key === undefined) return ''
  const service = tags.get(key)!
  tags.delete(key)
  if (key !== SERVICE_KEYS[0]) tags.set(TAGS.serviceNameSource, key)
  return service === NO_SERVICE ? '' : service
}

function scopeTags({ name, version, attributes }: Scope): Tags {
  const tags = tagsOf(attributes)
  if (name !== '') tags.set(TAGS.scopeName, name)
  if (version !== '') tags.set(TAGS.scopeVersion, version)
  return tags
}

function spanOf(span: Span, around: Tags, service: string): ZipkinSpan {
  const tags = new Map([...around, ...tagsOf(span.attributes)])
  tellFormerly(tags, 'http.response.status_code', 'http.status_code')
  const { startTimeUnixNano: startNs, endTimeUnixNano: endNs } = span
  const isAbsent = tags.get(START_ABSENT) === 'true'
  tags.delete(START_ABSENT)
  const local = takeEndpoint(tags, 'network.local.address', 'net.host', service)
  const peer = tags.has('service.peer.name') ? 'service.peer.name' : 'peer.service'
  const remote = takeEndpoint(tags, 'network.peer.address', 'net.peer', tags.get(peer) ?? '')
  tags.delete(peer)
  if (span.traceState !== '') tags.set(TAGS.traceState, span.traceState)
  if (span.kind === INTERNAL) tags.set(TAGS.kind, 'internal')
  tellStatus(span, tags)
  for (const [index, { traceId, spanId, traceState, attributes, droppedAttributesCount }] of span.links.entries())
    tags.set(linkTag(index), `${traceId}|${spanId}|${traceState}|${jsonOf(attributes)}|${droppedAttributesCount}`)
  return {
    traceId: span.traceId,
    id: span.spanId,
    parentId: span.parentSpanId,
    name: span.name,
    kind: KINDS[span.kind],
    timestampUs: isAbsent ? 0n : toMicros(startNs),
    durationUs: endNs > startNs ? atLeastOne(toMicros(endNs - startNs)) : 0n,
    local,
    remote,
    annotations: span.events.map((event) => ({
      timestampUs: toMicros(event.timeUnixNano),
      value: annotationOf(event),
    })),
    tags,
  }
}

/** To the nearest. */
function toMicros(ns: bigint): bigint {
  return (ns + 500n) / 1000n
}

function atLeastOne(us: bigint): bigint {
  return us === 0n ? 1n : us
}

/** `error` is there where it failed, and only there: Zipkin goes by it. */
function tellStatus({ status: { code, message } }: Span, tags: Tags): void {
  if (code === ERROR) tags.set(TAGS.error, 'true')
  else tags.delete(TAGS.error)
  const name = CODES[code]
  if (!name) return
  tags.set(TAGS.statusCode, name)
  if (message !== '') tags.set(TAGS.statusMessage, message)
}

/** What is in it is no tag any more. Undefined where nobody is named and there is no address. */
function takeEndpoint(
  tags: Tags,
  address: string,
  prefix: 'net.host' | 'net.peer',
  serviceName: string,
): ZipkinEndpoint | undefined {
  // The name that it has today, or the older one.
  const [ipKey, portKey] = [tags.has(address) ? address : `${prefix}.ip`, `${prefix}.port`]
  const ip = tags.get(ipKey) ?? ''
  const version = isIP(ip)
  if (serviceName === '' && version === 0) return undefined
  if (version !== 0) tags.delete(ipKey)
  const portText = tags.get(portKey) ?? ''
  const port = /^\d{1,5}$/.test(portText) && Number(portText) < 65_536 ? Number(portText) : 0
  if (port > 0) tags.delete(portKey)
  return { serviceName, ipv4: version === 4 ? ip : '', ipv6: version === 6 ? ip : '', port }
}

function annotationOf({ name, attributes, droppedAttributesCount }: SpanEvent): string {
  return attributes.length === 0 && droppedAttributesCount === 0
    ? name
    : `${name}|${jsonOf(attributes)}|${droppedAttributesCount}`
}

function jsonOf(attributes: readonly KeyValue[]): string {
  return valueToJsonText({ type: 'map', value: attributes })
}
