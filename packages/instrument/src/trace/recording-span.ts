import {
  type Attributes,
  type AttributeValue,
  diag,
  type Exception,
  type HrTime,
  type Link,
  type Span as ApiSpan,
  type SpanContext,
  type SpanKind,
  type SpanStatus,
  SpanStatusCode,
  type TimeInput,
} from '@opentelemetry/api'
import { cleanAttributes, cleanSimpleAttributes, type InstrumentationScope, isTimeInput } from '@opentelemetry/core'
import type { Resource } from '@opentelemetry/resources'
import type { ReadableSpan, SpanProcessor, TimedEvent } from '@opentelemetry/sdk-trace'
import { isPlain, type Limits, put } from './attributes.ts'
import { between, given, hrTime, later, wallOffset } from './clock.ts'

/** What all spans of a process have in common. */
export interface Common {
  readonly resource: Resource
  readonly limits: Limits
  /** What is told of each start and end. */
  readonly processor: Pick<SpanProcessor, 'onStart' | 'onEnd'> | undefined
}

/** What a span begins with. Its attributes are its own, and within the limits. */
export interface SpanStart {
  readonly common: Common
  readonly scope: InstrumentationScope
  readonly context: SpanContext
  readonly parent: SpanContext | undefined
  /** The parent where it is a span of this process: both have one clock then. */
  readonly localParent: RecordingSpan | undefined
  readonly name: string
  readonly kind: SpanKind
  readonly attributes: Attributes
  readonly attributeCount: number
  readonly droppedAttributes: number
  readonly links: Link[]
  readonly startTime: TimeInput | undefined
}

const noLinks: Link[] = []
const noEvents: TimedEvent[] = []
const unset: SpanStatus = Object.freeze({ code: SpanStatusCode.UNSET })
const notEnded: HrTime = [0, 0]
/** How long a parent's clock is taken for its children's, milliseconds: a machine that slept has another since. */
const clockMs = 60_000

/**
 * A span that is recorded: the API's, readable as the SDK's are. It keeps to what the SDK's does, in less time: start and end each look
 * at the clock once, and lists are made when something comes into them. Unlike there, a start is known to a part of a millisecond.
 */
export class RecordingSpan implements ApiSpan, ReadableSpan {
  name: string
  readonly kind: SpanKind
  readonly parentSpanContext?: SpanContext
  readonly attributes: Attributes
  links: Link[]
  events: TimedEvent[] = noEvents
  status: SpanStatus = unset
  readonly startTime: HrTime
  endTime: HrTime = notEnded
  ended = false
  droppedAttributesCount: number
  droppedEventsCount = 0
  droppedLinksCount = 0
  readonly instrumentationScope: InstrumentationScope
  readonly #common: Common
  readonly #context: SpanContext
  /** On the clock of `performance.now()`. */
  readonly #started: number
  /** Between that clock and the wall's, milliseconds. */
  readonly #wall: number
  readonly #isTimed: boolean
  #count: number

  constructor(start: SpanStart) {
    const now = performance.now()
    const { localParent, startTime } = start
    this.#started = now
    this.#wall = localParent !== undefined && now - localParent.#started < clockMs ? localParent.#wall : wallOffset(now)
    this.#isTimed = startTime !== undefined && startTime !== null
    this.#common = start.common
    this.#context = start.context
    this.#count = start.attributeCount
    this.name = start.name
    this.kind = start.kind
    // Set where there is none, too, so that all spans have one shape.
    this.parentSpanContext = start.parent!
    this.attributes = start.attributes
    this.droppedAttributesCount = start.droppedAttributes
    this.instrumentationScope = start.scope
    this.links = start.links.length === 0 ? noLinks : start.links
    this.startTime = this.#isTimed ? given(startTime!, this.#wall) : hrTime(this.#wall + now)
    const { linkCountLimit } = start.common.limits
    if (this.links.length > linkCountLimit) {
      this.droppedLinksCount = this.links.length - linkCountLimit
      this.links = this.links.slice(this.droppedLinksCount)
    }
  }

  get resource(): Resource {
    return this.#common.resource
  }

  get duration(): HrTime {
    return this.ended ? between(this.startTime, this.endTime) : [-1, -1]
  }

  spanContext(): SpanContext {
    return this.#context
  }

  isRecording(): boolean {
    return !this.ended
  }

  setAttribute(key: string, value: AttributeValue): this {
    if (this.ended) return this.#tooLate()
    const { limits } = this.#common
    if (key !== '' && this.#count < limits.attributeCountLimit && isPlain(value, limits.attributeValueLengthLimit)) {
      if (!Object.hasOwn(this.attributes, key)) this.#count++
      this.attributes[key] = value
      return this
    }
    const { added, isDropped } = put(this.attributes, key, value, this.#count, limits)
    this.#count += added
    if (isDropped && this.droppedAttributesCount++ === 0) diag.warn('Dropping extra attributes.')
    return this
  }

  setAttributes(attributes: Attributes): this {
    for (const key of Object.keys(attributes)) this.setAttribute(key, attributes[key])
    return this
  }

  addEvent(name: string, attributesOrTime?: Attributes | TimeInput, time?: TimeInput): this {
    if (this.ended) return this.#tooLate()
    const { eventCountLimit, attributePerEventCountLimit, attributeValueLengthLimit } = this.#common.limits
    if (this.events === noEvents) this.events = []
    if (this.events.length >= eventCountLimit) {
      this.droppedEventsCount++
      if (eventCountLimit === 0) return this
      this.events.shift()
    }
    const isTime = isTimeInput(attributesOrTime)
    const attributes = isTime ? undefined : attributesOrTime
    const at = isTimeInput(time) ? time : isTime ? attributesOrTime : undefined
    this.events.push({
      name,
      time: this.#timeOf(at),
      ...cleanSimpleAttributes(attributes, {
        attributeCountLimit: attributePerEventCountLimit,
        attributeValueLengthLimit,
      }),
    })
    return this
  }

  addLink(link: Link): this {
    if (this.ended) return this.#tooLate()
    const { linkCountLimit, attributePerLinkCountLimit, attributeValueLengthLimit } = this.#common.limits
    if (this.links === noLinks) this.links = []
    if (this.links.length >= linkCountLimit) {
      this.droppedLinksCount++
      if (linkCountLimit === 0) return this
      this.links.shift()
    }
    this.links.push({
      context: link.context,
      ...cleanAttributes(link.attributes, {
        attributeCountLimit: attributePerLinkCountLimit,
        attributeValueLengthLimit,
      }),
    })
    return this
  }

  addLinks(links: Link[]): this {
    for (const link of links) this.addLink(link)
    return this
  }

  setStatus({ code, message }: SpanStatus): this {
    if (this.ended) return this.#tooLate()
    // As the specification ranks them: OK is the last word, and UNSET none.
    if (code === SpanStatusCode.UNSET || this.status.code === SpanStatusCode.OK) return this
    this.status = code === SpanStatusCode.ERROR && typeof message === 'string' ? { code, message } : { code }
    return this
  }

  updateName(name: string): this {
    if (this.ended) return this.#tooLate()
    this.name = name
    return this
  }

  recordException(exception: Exception, time?: TimeInput): void {
    const attributes: Attributes = {}
    if (typeof exception === 'string') attributes['exception.message'] = exception
    else if (exception) {
      const type = exception.code ?? exception.name
      if (type) attributes['exception.type'] = String(type)
      if (exception.message) attributes['exception.message'] = exception.message
      if (exception.stack) attributes['exception.stacktrace'] = exception.stack
    }
    if ('exception.type' in attributes || 'exception.message' in attributes)
      this.addEvent('exception', attributes, time)
    else diag.warn('An exception has neither type nor message, and is not recorded.')
  }

  end(time?: TimeInput): void {
    if (this.ended) {
      const { traceId, spanId } = this.#context
      diag.error(`${this.name} ${traceId}-${spanId} - You can only call end() on a span once.`)
      return
    }
    this.endTime = this.#timeOf(time)
    if (between(this.startTime, this.endTime)[0] < 0) {
      diag.warn(`${this.name} ends before it starts: its duration is set to 0.`)
      this.endTime = this.startTime
    }
    this.ended = true
    this.#common.processor?.onEnd(this)
  }

  /** Of two times of one span the monotonic clock says how far they are apart. */
  #timeOf(time: TimeInput | undefined): HrTime {
    if (time !== undefined && time !== null) return given(time, this.#wall)
    const now = performance.now()
    return this.#isTimed ? hrTime(now + wallOffset(now)) : later(this.startTime, now - this.#started)
  }

  #tooLate(): this {
    const { stack = '' } = new Error('ended')
    // Next.js names the request's span once the answer is out, every time: nothing that its user could mend.
    if (/[\\/]node_modules[\\/]next[\\/]/.test(stack)) return this
    const { traceId, spanId } = this.#context
    const place = stack.split('\n').find((line) => !/^Error|RecordingSpan|tooLate/.test(line))
    diag.warn(
      `Cannot execute the operation on ended Span {traceId: ${traceId}, spanId: ${spanId}} "${this.name}"${place === undefined ? '' : `, ${place.trim()}`}`,
    )
    return this
  }
}
