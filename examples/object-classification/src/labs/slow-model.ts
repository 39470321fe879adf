import { groupBy, is, length, median, models, most, near, oneOf, rootsOf } from './lab.ts'
import type { Lab } from './lab.ts'

/** 1: one of the models takes longer than it did. */
export const slowModel: Lab = {
  number: 1,
  title: 'Who makes everybody wait?',
  photographs: 10,
  rate: 1,
  draw: (places, pick) => ({
    fault: 'slow_model',
    at: oneOf(models(places), pick, 'there are no models'),
    parameters: { ms: pick(1000, 2200) },
  }),
  ask: () =>
    'Photographs take long. Which service is it that the others wait for, how long does its model run, and which request took longest?',
  answer: {
    service: 'the name of the service',
    ms: 'the median of its span "run the model", in milliseconds, within 10 %',
    trace: 'the id of the trace whose request (its first span) took longest',
  },
  solve(spans) {
    const runs = groupBy(
      spans.filter(({ name }) => name === 'run the model'),
      ({ service }) => service,
    )
    const medians = [...runs].map(([service, list]) => ({
      service,
      ms: median(list.map(length)),
    }))
    const slowest = most(medians, ({ ms }) => ms)
    const longest = most(rootsOf(spans), length)
    return {
      service: is(slowest?.service ?? ''),
      ms: near(slowest?.ms ?? Number.NaN, 0.1),
      trace: is(longest?.traceId ?? ''),
    }
  },
}
