import type { Trace } from '@spoor/trace'

export interface ServiceFigures {
  /** Index into the trace's services. */
  readonly service: number
  readonly spans: number
  readonly errors: number
  /** Nanoseconds. */
  readonly selfNs: number
}

/** Spans, errors and self time of each service of the trace, most self time first. */
export function serviceFigures(
  trace: Pick<Trace, 'size' | 'service' | 'services' | 'status' | 'selfNs'>,
): ServiceFigures[] {
  const spans = new Uint32Array(trace.services.length)
  const errors = new Uint32Array(trace.services.length)
  const selfNs = new Float64Array(trace.services.length)
  for (let row = 0; row < trace.size; row++) {
    const service = trace.service[row]!
    spans[service]!++
    selfNs[service]! += trace.selfNs[row]!
    if (trace.status[row] === 2) errors[service]!++
  }
  return trace.services
    .map((_, service) => ({ service, spans: spans[service]!, errors: errors[service]!, selfNs: selfNs[service]! }))
    .sort((a, b) => b.selfNs - a.selfNs)
}
