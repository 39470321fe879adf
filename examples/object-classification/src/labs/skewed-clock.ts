import { is, median, most, near, oneOf, rootsOf } from './lab.ts'
import type { Lab } from './lab.ts'
import type { LabSpan } from './spans.ts'

/** How far a clock may be off by what one span says of another, ms. */
const TOLERANCE_MS = 200

/** 5: the clock of one service is wrong, so that effects stand before their causes. */
export const skewedClock: Lab = {
  number: 5,
  title: 'What happens before it is asked for?',
  photographs: 8,
  rate: 2,
  draw({ services }, pick) {
    const ms = pick(2000, 9000)
    return {
      fault: 'skewed_clock',
      at: oneOf(services, pick, 'there are no services'),
      parameters: { ms: pick(0, 1) === 0 ? ms : -ms },
    }
  },
  ask: () =>
    'Spans lie outside of those that have called them: a clock is wrong. Whose is it, and by how much? And which request, by the clock of the client, came first?',
  answer: {
    service: 'the name of the service whose clock is wrong',
    ms: `how far it is ahead of the others, in milliseconds, within ${TOLERANCE_MS}; below 0 where it is behind`,
    trace: 'the id of the trace whose first span began first',
  },
  solve(spans) {
    const wrong = most(clocks(spans), ([, ms]) => Math.abs(ms))
    const first = most(rootsOf(spans), ({ start }) => -start)
    return {
      service: is(wrong?.[0] ?? ''),
      ms: near(wrong?.[1] ?? Number.NaN, 0, TOLERANCE_MS),
      trace: is(first?.traceId ?? ''),
    }
  },
}

/** How far each service's clock is ahead of the client's, ms: a span that serves lies in the middle of the one that calls. */
export function clocks(spans: readonly LabSpan[]): Map<string, number> {
  const byId = new Map(spans.map((span) => [span.spanId, span]))
  const calls = spans.flatMap((span) => {
    const caller = byId.get(span.parentId)
    return span.kind === 'server' && caller && caller.service !== span.service
      ? [{ from: caller.service, to: span.service, ms: middle(span) - middle(caller) }]
      : []
  })
  const ahead = new Map([['client', 0]])
  for (const [from, ms] of ahead)
    for (const to of new Set(calls.filter((call) => call.from === from).map((call) => call.to)))
      if (!ahead.has(to))
        ahead.set(to, ms + median(calls.filter((call) => call.from === from && call.to === to).map((call) => call.ms)))
  return ahead
}

function middle({ start, end }: LabSpan): number {
  return (start + end) / 2
}
