import { is, most, near, oneOf } from './lab.ts'
import type { Lab, Solution } from './lab.ts'
import type { LabSpan } from './spans.ts'

/** 2: one of the services fails now and then; those that call it fail with it, or not. */
export const errors: Lab = {
  number: 2,
  title: 'Where does it fail first?',
  photographs: 24,
  rate: 4,
  draw: ({ services }, pick) => ({
    fault: 'errors',
    at: oneOf(services, pick, 'there are no services'),
    parameters: { percent: pick(25, 60) },
  }),
  ask: () =>
    'Some requests fail, or are answered by fewer models. Several services show errors; one of them is where they begin. Which one, how many requests did it fail, and in which trace for the first time?',
  answer: {
    service: 'the name of the service in which errors begin',
    failed: 'how many requests it has answered with 500',
    trace: 'the id of the trace in which it did so first',
  },
  solve(spans): Solution {
    const failed = whereItBegins(spans)
    const first = most(failed, ({ start }) => -start)
    return {
      service: is(first?.service ?? ''),
      failed: near(failed.length, 0),
      trace: is(first?.traceId ?? ''),
    }
  },
}

/** Requests that a service has answered with 500 though nothing below them has failed. */
export function whereItBegins(spans: readonly LabSpan[]): LabSpan[] {
  const parentsOfFailures = new Set(spans.filter(({ failed }) => failed).map(({ parentId }) => parentId))
  const status = ({ attributes }: LabSpan): string | undefined => attributes.get('http.response.status_code')
  return spans.filter(
    (span) => span.kind === 'server' && span.failed && status(span) === '500' && !parentsOfFailures.has(span.spanId),
  )
}
