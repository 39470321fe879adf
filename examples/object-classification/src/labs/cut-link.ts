import { is, most, near, oneOf } from './lab.ts'
import type { Lab } from './lab.ts'
import type { LabSpan } from './spans.ts'

/** 14: a link is cut for a while: nobody is told, nothing fails, and what was sent arrives when it is back. */
export const cutLink: Lab = {
  number: 14,
  title: 'Why does everything stand still?',
  needsLinks: true,
  photographs: 24,
  rate: 2,
  draw: ({ links }, pick) => ({
    fault: 'dropped_link',
    at: oneOf(
      links,
      pick,
      'this lab needs links: start the world with --world examples/object-classification/world.yaml',
    ),
    parameters: {},
    afterMs: pick(1000, 3000),
    forMs: pick(3500, 8000),
  }),
  ask: () =>
    'For some seconds nothing goes on, and then all goes on at once. No service was slow, and none has failed. Where was it held up, how long was the way of the request or answer that was held up for longest, and in which trace?',
  answer: {
    link: 'the name of the link',
    ms: 'the longest time on it one way, in milliseconds, within 2 %',
    trace: 'the id of the trace with it',
  },
  solve(spans) {
    const ways = spans.filter(({ attributes }) => attributes.has('link.name'))
    const worst = most(ways, onTheWay)
    return {
      link: is(worst?.attributes.get('link.name') ?? ''),
      ms: near(worst ? onTheWay(worst) : Number.NaN, 0.02),
      trace: is(worst?.traceId ?? ''),
    }
  },
}

function onTheWay({ attributes }: LabSpan): number {
  return Number(attributes.get('link.ms') ?? 0)
}
