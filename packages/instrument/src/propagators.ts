import type { TextMapPropagator } from '@opentelemetry/api'
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core'
import { AWSXRayPropagator } from '@opentelemetry/propagator-aws-xray'
import { B3InjectEncoding, B3Propagator } from '@opentelemetry/propagator-b3'
import { JaegerPropagator } from './jaeger-propagator.ts'

/** The names that `OTEL_PROPAGATORS` knows, and what carries the context in each of them. */
const builtIn = {
  tracecontext: () => new W3CTraceContextPropagator(),
  baggage: () => new W3CBaggagePropagator(),
  b3: () => new B3Propagator(),
  b3multi: () => new B3Propagator({ injectEncoding: B3InjectEncoding.MULTI_HEADER }),
  jaeger: () => new JaegerPropagator(),
  xray: () => new AWSXRayPropagator(),
} satisfies Record<string, () => TextMapPropagator>

export type PropagatorName = keyof typeof builtIn

export const propagatorNames = Object.keys(builtIn) as readonly PropagatorName[]

/** Sends the context in all of these forms, and takes the one that a request has; of several the last. */
export function createPropagator(propagators: readonly (TextMapPropagator | PropagatorName)[]): TextMapPropagator {
  return new CompositePropagator({
    propagators: propagators.map((propagator) => (typeof propagator === 'string' ? builtIn[propagator]() : propagator)),
  })
}

/** For the line at start. */
export function propagatorsText(propagators: readonly (TextMapPropagator | PropagatorName)[]): string {
  if (propagators.length === 0) return 'none'
  return propagators
    .map((propagator) => (typeof propagator === 'string' ? propagator : propagator.fields().join('+')))
    .join(', ')
}
