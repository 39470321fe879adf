import {
  type Attributes,
  type AttributeValue,
  type Exception,
  type Link,
  type Span,
  type SpanContext,
  type SpanKind,
  type SpanStatus,
  SpanStatusCode,
  type TimeInput,
  TraceFlags,
} from '@opentelemetry/api'
import { fromInput, now } from './time.ts'

/** Of one span at most; what is beyond is counted on it, as OTLP has it. */
const MAX_ATTRIBUTES = 128
const MAX_EVENTS = 128
const MAX_TEXT = 4_096

export interface SpanEvent {
  readonly name: string
  /** As `performance.now()`. */
  readonly at: number
  readonly attributes: Attributes
}

export interface SpanOwner {
  /** What is on every span, asked for as it begins. */
  common(): Attributes
  began(span: WebSpan): void
  ended(span: WebSpan): void
}

export interface SpanStart {
  readonly name: string
  readonly scope: string
  readonly context: SpanContext
  readonly parentSpanId: string | undefined
  readonly kind: SpanKind
  readonly startTime: TimeInput | undefined
  readonly attributes: Attributes
  readonly links: readonly Link[]
}

/** A recorded span. */
export class WebSpan implements Span {
  readonly scope: string
  readonly context: SpanContext
  readonly parentSpanId: string | undefined
  readonly kind: SpanKind
  readonly start: number
  readonly attributes: Attributes = {}
  readonly events: SpanEvent[] = []
  readonly links: Link[]
  name: string
  status: SpanStatus = { code: SpanStatusCode.UNSET }
  end_: number | undefined
  droppedAttributes = 0
  droppedEvents = 0
  readonly #owner: SpanOwner
  #count = 0

  constructor(owner: SpanOwner, from: SpanStart) {
    this.#owner = owner
    this.name = from.name
    this.scope = from.scope
    this.context = from.context
    this.parentSpanId = from.parentSpanId
    this.kind = from.kind
    this.start = fromInput(from.startTime)
    this.links = [...from.links]
    this.setAttributes(owner.common()).setAttributes(from.attributes)
    owner.began(this)
  }

  spanContext(): SpanContext {
    return this.context
  }

  isRecording(): boolean {
    return this.end_ === undefined
  }

  setAttribute(key: string, value: AttributeValue): this {
    if (!this.isRecording() || value === undefined || value === null) return this
    if (!Object.hasOwn(this.attributes, key) && ++this.#count > MAX_ATTRIBUTES) this.droppedAttributes++
    else this.attributes[key] = typeof value === 'string' ? value.slice(0, MAX_TEXT) : value
    return this
  }

  setAttributes(attributes: Attributes): this {
    for (const [key, value] of Object.entries(attributes)) if (value !== undefined) this.setAttribute(key, value)
    return this
  }

  addEvent(name: string, attributesOrTime?: Attributes | TimeInput, time?: TimeInput): this {
    if (!this.isRecording()) return this
    const isTime =
      typeof attributesOrTime === 'number' || attributesOrTime instanceof Date || Array.isArray(attributesOrTime)
    if (this.events.length >= MAX_EVENTS) this.droppedEvents++
    else
      this.events.push({
        name,
        at: fromInput(isTime ? attributesOrTime : time),
        attributes: isTime ? {} : { ...attributesOrTime },
      })
    return this
  }

  addLink(link: Link): this {
    if (this.isRecording()) this.links.push(link)
    return this
  }

  addLinks(links: Link[]): this {
    for (const link of links) this.addLink(link)
    return this
  }

  setStatus(status: SpanStatus): this {
    if (this.isRecording()) this.status = status
    return this
  }

  updateName(name: string): this {
    if (this.isRecording()) this.name = name
    return this
  }

  recordException(exception: Exception, time?: TimeInput): void {
    this.addEvent('exception', exceptionAttributes(exception), time)
  }

  end(time?: TimeInput): void {
    if (!this.isRecording()) return
    this.end_ = Math.max(this.start, time === undefined ? now() : fromInput(time))
    this.#owner.ended(this)
  }
}

/** By the semantic conventions; what is thrown may be anything. */
export function exceptionAttributes(thrown: unknown): Attributes {
  if (typeof thrown !== 'object' || thrown === null)
    return { 'exception.type': typeof thrown, 'exception.message': String(thrown).slice(0, MAX_TEXT) }
  const { name, message, stack } = thrown as { name?: unknown; message?: unknown; stack?: unknown }
  return {
    'exception.type': textOf(name, 'Error'),
    'exception.message': textOf(message, ''),
    ...(stack ? { 'exception.stacktrace': textOf(stack, '') } : {}),
  }
}

function textOf(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value.slice(0, MAX_TEXT) : otherwise
}

/** Whether the flags say that it is recorded. */
export function isSampled({ traceFlags }: SpanContext): boolean {
  return (traceFlags & TraceFlags.SAMPLED) !== 0
}
