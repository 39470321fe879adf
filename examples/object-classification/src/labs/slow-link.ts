import { groupBy, is, length, median, most, near, oneOf, rootsOf } from './lab.ts'
import type { Lab } from './lab.ts'

/** 6: a link between two sites takes longer: nobody works longer, and all of it takes longer. */
export const slowLink: Lab = {
  number: 6,
  title: 'Where does time pass in which nobody works?',
  needsLinks: true,
  photographs: 10,
  rate: 1,
  draw: ({ links }, pick) => ({
    fault: 'slow_link',
    at: oneOf(
      links,
      pick,
      'this lab needs links: start the world with --world examples/object-classification/world.yaml',
    ),
    parameters: { ms: pick(120, 400) },
  }),
  ask: () =>
    'No service works longer than before, and yet requests take longer. Which link is slow, how long is a request or an answer on it, and which request took longest?',
  answer: {
    link: 'the name of the link',
    ms: 'the median time on it one way, in milliseconds, within 10 %',
    trace: 'the id of the trace whose request (its first span) took longest',
  },
  solve(spans) {
    const hops = groupBy(
      spans.filter(({ attributes }) => attributes.has('link.name')),
      ({ attributes }) => attributes.get('link.name') ?? '',
    )
    const medians = [...hops].map(([link, list]) => ({
      link,
      ms: median(list.map(({ attributes }) => Number(attributes.get('link.ms')))),
    }))
    const slowest = most(medians, ({ ms }) => ms)
    return {
      link: is(slowest?.link ?? ''),
      ms: near(slowest?.ms ?? Number.NaN, 0.1),
      trace: is(most(rootsOf(spans), length)?.traceId ?? ''),
    }
  },
}
