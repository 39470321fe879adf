import { groupBy, is, models, most, near, oneOf, rootsOf } from './lab.ts'
import type { Lab } from './lab.ts'
import type { LabSpan } from './spans.ts'

/** 9: one of the models is gone from some moment on; everything goes on, with less. */
export const serviceDown: Lab = {
  number: 9,
  title: 'Since when is somebody missing?',
  photographs: 12,
  rate: 1,
  draw: (places, pick) => ({
    fault: 'service_down',
    at: oneOf(models(places), pick, 'there are no models'),
    parameters: {},
    afterMs: pick(1500, 4500),
  }),
  ask: () =>
    'All photographs are classified, and yet not as they were: from some request on one service is missing. Which one, from which request on, and how many of the run did without it?',
  answer: {
    service: 'the name of the service that is missing',
    trace: 'the id of the first trace without it',
    requests: 'how many traces of the run are without it',
  },
  solve(spans) {
    const gone = modelsMissing(spans)
    const first = most(gone.without, ({ start }) => -start)
    return {
      service: is(first ? gone.service : ''),
      trace: is(first?.traceId ?? ''),
      requests: near(first ? gone.without.length : Number.NaN, 0),
    }
  },
}

/** The inference service that most requests did without, and their first spans. */
export function modelsMissing(spans: readonly LabSpan[]): {
  readonly service: string
  readonly without: readonly LabSpan[]
} {
  const traces = groupBy(spans, ({ traceId }) => traceId)
  const serving = (trace: string): Set<string> =>
    new Set((traces.get(trace) ?? []).filter(isInference).map(({ service }) => service))
  const requests = rootsOf(spans)
  const all = new Set(spans.filter(isInference).map(({ service }) => service))
  const missing = [...all].map((service) => ({
    service,
    without: requests.filter(({ traceId }) => !serving(traceId).has(service)),
  }))
  return most(missing, ({ without }) => without.length) ?? { service: '', without: [] }
}

function isInference({ kind, name }: LabSpan): boolean {
  return kind === 'server' && name === 'POST /inference'
}
