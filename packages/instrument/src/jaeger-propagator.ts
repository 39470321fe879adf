import {
  type Context,
  isSpanContextValid,
  type TextMapGetter,
  type TextMapPropagator,
  type TextMapSetter,
  trace,
  TraceFlags,
} from '@opentelemetry/api'
import { isTracingSuppressed } from '@opentelemetry/core'

const header = 'uber-trace-id'

/**
 * Jaeger's own header, `uber-trace-id: <trace id>:<span id>:<parent, no longer used>:<flags in hex>`. Ids may have lost
 * zeros at their beginning, and the whole may be percent-encoded. Source: Jaeger, "Client Libraries", propagation format.
 */
export class JaegerPropagator implements TextMapPropagator {
  inject(context: Context, carrier: unknown, setter: TextMapSetter): void {
    const spanContext = trace.getSpanContext(context)
    if (!spanContext || !isSpanContextValid(spanContext) || isTracingSuppressed(context)) return
    const { traceId, spanId, traceFlags } = spanContext
    setter.set(carrier, header, `${traceId}:${spanId}:0:${traceFlags.toString(16).padStart(2, '0')}`)
  }

  extract(context: Context, carrier: unknown, getter: TextMapGetter): Context {
    const found = getter.get(carrier, header)
    const value = Array.isArray(found) ? found[0] : found
    const match = /^([0-9a-f]{1,32}):([0-9a-f]{1,16}):[^:]*:([0-9a-f]{1,2})$/i.exec(
      value?.replaceAll(/%3a/gi, ':') ?? '',
    )
    if (!match) return context
    const spanContext = {
      traceId: match[1]!.toLowerCase().padStart(32, '0'),
      spanId: match[2]!.toLowerCase().padStart(16, '0'),
      traceFlags: Number.parseInt(match[3]!, 16) & TraceFlags.SAMPLED,
      isRemote: true,
    }
    return isSpanContextValid(spanContext) ? trace.setSpanContext(context, spanContext) : context
  }

  fields(): string[] {
    return [header]
  }
}
