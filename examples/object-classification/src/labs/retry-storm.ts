import { groupBy, is, most, near } from './lab.ts'
import type { Lab } from './lab.ts'
import type { LabSpan } from './spans.ts'

/** 4: a caller loses its patience at once and asks again, and again, while its first question is still being answered. */
export const retryStorm: Lab = {
  number: 4,
  title: 'Why is it busy when nothing happens?',
  photographs: 10,
  rate: 1,
  draw: (_places, pick) => ({
    fault: 'retry_storm',
    at: 'ensemble',
    parameters: { timeout_ms: pick(15, 40), retries: pick(2, 6) },
  }),
  ask: () =>
    'The models work far more than photographs come. Who asks them so often, in which trace most often, how often is that, and how many of these questions were given up before they were answered?',
  answer: {
    service: 'the name of the service that asks',
    trace:
      'the id of the trace with most questions to models (POST to /inference, as sent); where several have as many, the earliest',
    questions: 'how many these are',
    given_up: 'how many of them ended in an error',
  },
  solve(spans) {
    const asked = spans.filter(isQuestion)
    const traces = [...groupBy(asked, ({ traceId }) => traceId).values()]
    const first = (list: readonly LabSpan[]): number => Math.min(...list.map(({ start }) => start))
    traces.sort((a, b) => first(a) - first(b))
    const worst = most(traces, (list) => list.length) ?? []
    return {
      service: is(worst[0]?.service ?? ''),
      trace: is(worst[0]?.traceId ?? ''),
      questions: near(worst.length, 0),
      given_up: near(worst.filter(({ failed }) => failed).length, 0),
    }
  },
}

/** A call that asks a model. */
export function isQuestion({ kind, attributes }: LabSpan): boolean {
  return kind === 'client' && (attributes.get('url.full') ?? attributes.get('url.path') ?? '').includes('/inference?')
}
