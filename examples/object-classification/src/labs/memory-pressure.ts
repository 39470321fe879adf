import { groupBy, is, length, most, near, oneOf } from './lab.ts'
import type { Lab } from './lab.ts'
import type { LabSpan } from './spans.ts'

/** 15: a service has so much memory in use that the collector of garbage stops it again and again. */
export const memoryPressure: Lab = {
  number: 15,
  title: 'Who does nothing, and is busy?',
  photographs: 20,
  rate: 2,
  draw: ({ services }, pick) => ({
    fault: 'memory_pressure',
    at: oneOf(services, pick, 'there are no services'),
    parameters: { mb: pick(800, 1200) },
  }),
  ask: () =>
    'Requests take longer, now here, now there, and no step of the work is slower than it was. One service is stopped by its collector of garbage most of the time. Which one, for how long at most in one request, and in which trace?',
  answer: {
    service: 'the name of the service that is stopped for the greatest share of the time of its requests',
    ms: 'the longest time that it was stopped in one of its requests, in milliseconds, within 2 %',
    trace: 'the id of the trace with that request',
  },
  solve(spans) {
    const serving = groupBy(
      spans.filter(({ kind, attributes }) => kind === 'server' && attributes.has('runtime.gc_ms')),
      ({ service }) => service,
    )
    const own = most(serving.values(), stoppedShare) ?? []
    const worst = most(own, stoppedMs)
    return {
      service: is(worst?.service ?? ''),
      ms: near(worst ? stoppedMs(worst) : Number.NaN, 0.02),
      trace: is(worst?.traceId ?? ''),
    }
  },
}

/** How long a request was stopped for garbage, ms. */
function stoppedMs({ attributes }: LabSpan): number {
  return Number(attributes.get('runtime.gc_ms') ?? 0)
}

/** Which share of the time of these requests that was. */
export function stoppedShare(spans: readonly LabSpan[]): number {
  const sum = (of: (span: LabSpan) => number): number => spans.reduce((all, span) => all + of(span), 0)
  return sum(stoppedMs) / sum(length)
}
