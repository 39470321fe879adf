import {
  type Context,
  context as contexts,
  type ContextManager,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  type SpanOptions,
  trace,
  TraceFlags,
  type Tracer,
  type TracerProvider,
} from '@opentelemetry/api'
import { isSampled, type SpanOwner, WebSpan } from './span.ts'

/** Makes spans. The share that is recorded goes by the trace’s id, so that a trace is recorded whole or not at all. */
export function createTracer(scope: string, owner: SpanOwner, sampleRatio: number): Tracer {
  const startSpan = (name: string, options: SpanOptions = {}, context: Context = contexts.active()): Span => {
    const found = options.root ? undefined : trace.getSpanContext(context)
    const parent = found && trace.isSpanContextValid(found) ? found : undefined
    const traceId = parent?.traceId ?? randomHex(16)
    const isRecorded = parent ? isSampled(parent) : isWithin(traceId, sampleRatio)
    const own: SpanContext = {
      traceId,
      spanId: randomHex(8),
      traceFlags: isRecorded ? TraceFlags.SAMPLED : TraceFlags.NONE,
      ...(parent?.traceState ? { traceState: parent.traceState } : {}),
    }
    if (!isRecorded) return trace.wrapSpanContext(own)
    return new WebSpan(owner, {
      name,
      scope,
      context: own,
      parentSpanId: parent?.spanId,
      kind: options.kind ?? SpanKind.INTERNAL,
      startTime: options.startTime,
      attributes: options.attributes ?? {},
      links: options.links ?? [],
    })
  }
  return {
    startSpan,
    startActiveSpan(name: string, ...rest: unknown[]) {
      const run = rest.pop() as (span: Span) => never
      const [options, base = contexts.active()] = rest as [SpanOptions?, Context?]
      const span = startSpan(name, options, base)
      return contexts.with(trace.setSpan(base, span), run, undefined, span)
    },
  } as Tracer
}

export function createProvider(owner: SpanOwner, sampleRatio: number): TracerProvider {
  return { getTracer: (name) => createTracer(name, owner, sampleRatio) }
}

/** The first 52 bits of the part of an id that is random, against the ratio: as TraceIdRatioBased has it, a small share is part of a larger one. */
export function isWithin(traceId: string, ratio: number): boolean {
  return ratio >= 1 || parseInt(traceId.slice(-13), 16) < ratio * 2 ** 52
}

function randomHex(bytes: number): string {
  let text = ''
  // All zero is no id.
  while (!/[1-9a-f]/.test(text))
    text = Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (byte) => byte.toString(16).padStart(2, '0')).join(
      '',
    )
  return text
}

/**
 * The context that is active while a function runs. What goes on after an `await` is outside of it: browsers have nothing that would carry it,
 * and replacing every promise costs more than all of this. Pass `context.active()` on, or bind.
 */
export function createContextManager(): ContextManager {
  let active: Context = ROOT_CONTEXT
  const manager: ContextManager = {
    active: () => active,
    with(context, run, self, ...args) {
      const before = active
      active = context
      try {
        return run.apply(self, args)
      } finally {
        active = before
      }
    },
    bind: (context, target) =>
      typeof target === 'function'
        ? (function (this: unknown, ...args: unknown[]) {
            return manager.with(context, target as (...all: unknown[]) => unknown, this, ...args)
          } as typeof target)
        : target,
    enable: () => manager,
    disable: () => manager,
  }
  return manager
}
