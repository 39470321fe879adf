import { groupBy, is, length, median, models, most, near, oneOf } from './lab.ts'
import type { Lab } from './lab.ts'

/** 7: the line before a model is full of other work: the model is as fast as ever, and its answers come late. */
export const saturatedQueue: Lab = {
  number: 7,
  title: 'Who stands in line for whom?',
  photographs: 10,
  rate: 0.7,
  draw: (places, pick) => ({
    fault: 'saturated_queue',
    at: oneOf(models(places), pick, 'there are no models'),
    parameters: { images: pick(5, 9), ms: pick(150, 260) },
  }),
  ask: () =>
    'Answers are late, and no model runs longer than it did. Before which service do requests stand in line, for how long, and in which trace for the longest time?',
  answer: {
    service: 'the name of the service',
    ms: 'the median of its span "wait for the model", in milliseconds, within 10 %',
    trace: 'the id of the trace with the longest of these waits',
  },
  solve(spans) {
    const waits = [
      ...groupBy(
        spans.filter(({ name }) => name === 'wait for the model'),
        ({ service }) => service,
      ).values(),
    ]
    const longest = most(waits, (list) => median(list.map(length))) ?? []
    return {
      service: is(longest[0]?.service ?? ''),
      ms: near(median(longest.map(length)), 0.1),
      trace: is(most(longest, length)?.traceId ?? ''),
    }
  },
}
