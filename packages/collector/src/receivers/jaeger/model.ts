/** A span as Jaeger has it, whichever form it comes in. */
import type { AnyValue } from '@spoor/otlp'

/** Tags by their keys: of several with one key the last one holds. */
export type Tags = Map<string, AnyValue>

export interface JaegerProcess {
  /** Empty: it is not said. */
  readonly serviceName: string
  readonly tags: Tags
}

export interface JaegerReference {
  readonly isChildOf: boolean
  /** 32 and 16 digits of lower-case hex; zero is the empty text. */
  readonly traceId: string
  readonly spanId: string
}

export interface JaegerLog {
  /** Since 1970. */
  readonly timeNs: bigint
  readonly fields: Tags
}

export interface JaegerSpan {
  /** The same object for all spans of one process. */
  readonly process: JaegerProcess
  /** As in a reference. */
  readonly traceId: string
  readonly spanId: string
  /** Empty: it is said by references, if at all. */
  readonly parentSpanId: string
  readonly references: readonly JaegerReference[]
  readonly name: string
  /** As those of OTLP. */
  readonly flags: number
  readonly startNs: bigint
  readonly endNs: bigint
  readonly tags: Tags
  readonly logs: readonly JaegerLog[]
  readonly scopeName: string
  readonly scopeVersion: string
  readonly traceState: string
}

/** Of Jaeger's flags the one that OTLP has, too: that the span was sampled. */
export const SAMPLED = 1

/** What the OpenTelemetry Collector calls a tag: the status of HTTP has its older name, whichever it comes by. */
export function keyOf(tag: string): string {
  return tag === 'http.response.status_code' ? 'http.status_code' : tag
}

/** Of a batch that names none. */
export function noProcess(): JaegerProcess {
  return { serviceName: '', tags: new Map() }
}

/** The text of a tag, which is empty where the value is none; it is no tag any more. Undefined where there is none. */
export function takeText(tags: Tags, key: string): string | undefined {
  const value = tags.get(key)
  if (value === undefined) return undefined
  tags.delete(key)
  return textOf(value)
}

export function textOf(value: AnyValue | undefined): string {
  return value?.type === 'string' ? value.value : ''
}

/** What stands for a value whose type there is not. `name`: what the type is called. */
export function unknownValue(name: string): AnyValue {
  return { type: 'string', value: `<Unknown Jaeger TagType "${name}">` }
}

const MICROSECOND_NS = 1_000n

/** Microseconds that others write as numbers with a sign. */
export function nanosecondsOf(microseconds: bigint): bigint {
  return BigInt.asUintN(64, microseconds * MICROSECOND_NS)
}

/** Why a span with these ids cannot be taken; undefined where it can. */
export function idProblem(span: JaegerSpan): string | undefined {
  const wrong = wrongId(span)
  return wrong === undefined ? undefined : `span ${JSON.stringify(span.name.slice(0, 100))}: ${wrong}`
}

function wrongId({ traceId, spanId, references }: JaegerSpan): string | undefined {
  if (traceId.length !== 32) return `its trace id is ${traceId === '' ? 'zero' : 'not of 8 or 16 bytes'}`
  if (spanId.length !== 16) return `its id is ${spanId === '' ? 'zero' : 'not of 8 bytes'}`
  const hasLength = (id: string, digits: number): boolean => id === '' || id.length === digits
  if (references.every((one) => hasLength(one.traceId, 32) && hasLength(one.spanId, 16))) return undefined
  return 'an id of a reference is not of 8 or 16 bytes'
}
