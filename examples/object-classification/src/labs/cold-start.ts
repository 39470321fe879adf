import { is, length, models, most, near, oneOf } from './lab.ts'
import type { Lab } from './lab.ts'

/** 8: a model is let go when nobody asks for a while: now and then a request pays for loading it. */
export const coldStart: Lab = {
  number: 8,
  title: 'Why is it slow only now and then?',
  photographs: 10,
  rate: 0.5,
  draw: (places, pick) => ({
    fault: 'cold_start',
    at: oneOf(models(places), pick, 'there are no models'),
    parameters: { idle_ms: pick(300, 900) },
  }),
  ask: () =>
    'The same photograph is fast once and slow another time. What happens in the slow ones that does not happen in the others: in which service, how often, and for how long at most, in which trace?',
  answer: {
    service: 'the name of the service',
    times: 'how often it happens in the run',
    ms: 'the longest of them, in milliseconds, within 2 %',
    trace: 'the id of the trace with the longest of them',
  },
  solve(spans) {
    const loads = spans.filter(({ name }) => name === 'load the model')
    const longest = most(loads, length)
    return {
      service: is(longest?.service ?? ''),
      times: near(loads.length > 0 ? loads.length : Number.NaN, 0),
      ms: near(longest ? length(longest) : Number.NaN, 0.02),
      trace: is(longest?.traceId ?? ''),
    }
  },
}
