import {
  type Attributes,
  type Context,
  INVALID_SPAN_CONTEXT,
  isSpanContextValid,
  type Link,
  type Span,
  type SpanContext,
  SpanKind,
  type SpanOptions,
  trace,
  TraceFlags,
  type Tracer as ApiTracer,
  type TracerOptions,
  type TracerProvider as ApiTracerProvider,
} from '@opentelemetry/api'
import { cleanAttributes, type InstrumentationScope, isTracingSuppressed } from '@opentelemetry/core'
import type { Resource } from '@opentelemetry/resources'
import { type Sampler, SamplingDecision, type SpanLimits, type SpanProcessor } from '@opentelemetry/sdk-trace'
import { contexts } from '../context-manager.ts'
import { cleaned, copied, type Limits } from './attributes.ts'
import { newSpanId, newTraceId } from './ids.ts'
import { type Common, RecordingSpan } from './recording-span.ts'

/** Of our own instrumentations. */
export interface OwnOptions extends SpanOptions {
  /** The attributes are plain values, none of them undefined, and nobody else changes them: they are taken as they are. */
  readonly isOwn?: true
}

export interface ProviderSettings {
  readonly resource: Resource
  readonly sampler: Sampler
  readonly spanLimits: SpanLimits
  /** Where spans go as they end; undefined: nowhere. */
  readonly processor: SpanProcessor | undefined
}

/** Of the specification, "Span Limits". */
const defaultLimits: Limits = {
  attributeCountLimit: 128,
  attributeValueLengthLimit: Infinity,
  eventCountLimit: 128,
  linkCountLimit: 128,
  attributePerEventCountLimit: 128,
  attributePerLinkCountLimit: 128,
}

/** Gives tracers whose spans go to one processor. */
export class TracerProvider implements ApiTracerProvider {
  readonly #common: Common
  readonly #sampler: Sampler
  readonly #processor: SpanProcessor | undefined
  /** One for each scope, as ended spans are gathered by it. */
  readonly #tracers = new Map<string, Tracer>()

  constructor({ resource, sampler, spanLimits, processor }: ProviderSettings) {
    const limits = { ...defaultLimits, ...defined(spanLimits) }
    this.#common = { resource, limits, processor }
    this.#sampler = sampler
    this.#processor = processor
  }

  getTracer(name: string, version?: string, options?: TracerOptions): Tracer {
    const key = `${name}\n${version ?? ''}\n${options?.schemaUrl ?? ''}`
    let tracer = this.#tracers.get(key)
    if (!tracer) {
      const scope = { name, ...defined({ version, schemaUrl: options?.schemaUrl }) }
      tracer = new Tracer(scope, this.#common, this.#sampler)
      this.#tracers.set(key, tracer)
    }
    return tracer
  }

  /** Libraries that know the SDK ask for it. */
  async forceFlush(): Promise<void> {
    await this.#processor?.forceFlush()
  }

  async shutdown(): Promise<void> {
    await this.#processor?.shutdown()
  }
}

/** What is returned where tracing is suppressed: it is nobody's parent. */
const nothing = trace.wrapSpanContext(INVALID_SPAN_CONTEXT)
const noLinks: Link[] = []

class Tracer implements ApiTracer {
  readonly instrumentationScope: InstrumentationScope
  readonly #common: Common
  readonly #sampler: Sampler

  constructor(scope: InstrumentationScope, common: Common, sampler: Sampler) {
    this.instrumentationScope = scope
    this.#common = common
    this.#sampler = sampler
  }

  startSpan(name: string, options: OwnOptions = {}, within: Context = contexts().active()): Span {
    if (isTracingSuppressed(within)) return nothing
    const context = options.root ? trace.deleteSpan(within) : within
    const parent = trace.getSpan(context)
    const localParent = parent instanceof RecordingSpan ? parent : undefined
    let above = parent?.spanContext()
    // Ids of our own need no look.
    if (above !== undefined && localParent === undefined && !isSpanContextValid(above)) above = undefined
    const traceId = above === undefined ? newTraceId() : above.traceId
    const kind = options.kind ?? SpanKind.INTERNAL
    const { limits } = this.#common
    const links = options.links === undefined ? noLinks : options.links.map((link) => linkOf(link, limits))
    let { attributes, count, dropped } = options.isOwn ? taken(options.attributes) : copied(options.attributes)

    const decided = this.#sampler.shouldSample(context, traceId, name, kind, attributes, links)
    const spanContext: SpanContext = {
      traceId,
      spanId: newSpanId(),
      traceFlags: decided.decision === SamplingDecision.RECORD_AND_SAMPLED ? TraceFlags.SAMPLED : TraceFlags.NONE,
    }
    const traceState = decided.traceState ?? above?.traceState
    if (traceState !== undefined) spanContext.traceState = traceState
    if (decided.decision === SamplingDecision.NOT_RECORD) return trace.wrapSpanContext(spanContext)

    if (
      decided.attributes !== undefined ||
      count > limits.attributeCountLimit ||
      limits.attributeValueLengthLimit !== Infinity
    ) {
      const limited = cleaned({ ...attributes, ...decided.attributes }, limits)
      ;({ attributes, count } = limited)
      dropped += limited.dropped
    }
    const span = new RecordingSpan({
      common: this.#common,
      scope: this.instrumentationScope,
      context: spanContext,
      parent: above,
      localParent,
      name,
      kind,
      attributes,
      attributeCount: count,
      droppedAttributes: dropped,
      links,
      startTime: options.startTime,
    })
    this.#common.processor?.onStart(span, context)
    return span
  }

  startActiveSpan<F extends (span: Span) => unknown>(name: string, fn: F): ReturnType<F>
  startActiveSpan<F extends (span: Span) => unknown>(name: string, options: SpanOptions, fn: F): ReturnType<F>
  startActiveSpan<F extends (span: Span) => unknown>(
    name: string,
    options: SpanOptions,
    context: Context,
    fn: F,
  ): ReturnType<F>
  startActiveSpan<F extends (span: Span) => unknown>(
    name: string,
    ...rest: [F] | [SpanOptions, F] | [SpanOptions, Context, F]
  ): ReturnType<F> {
    const fn = rest.at(-1) as F
    const options = rest.length > 1 ? (rest[0] as SpanOptions) : {}
    const within = rest.length > 2 ? (rest[1] as Context) : contexts().active()
    const span = this.startSpan(name, options, within)
    return contexts().with(trace.setSpan(within, span), fn as (span: Span) => ReturnType<F>, undefined, span)
  }
}

function taken(attributes: Attributes = {}): ReturnType<typeof copied> {
  return { attributes, count: Object.keys(attributes).length, dropped: 0 }
}

function linkOf(link: Link, { attributePerLinkCountLimit, attributeValueLengthLimit }: Limits): Link {
  const limits = { attributeCountLimit: attributePerLinkCountLimit, attributeValueLengthLimit }
  return { context: link.context, ...cleanAttributes(link.attributes, limits) }
}

/** Without what is undefined. */
function defined<T extends object>(object: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
