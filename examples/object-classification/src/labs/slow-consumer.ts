import { is, length, most, near } from './lab.ts'
import type { Lab } from './lab.ts'

/** 13: the consumer is slower than what comes: the queue before it fills, while all requests are answered as ever. */
export const slowConsumer: Lab = {
  number: 13,
  title: 'Who falls behind?',
  photographs: 14,
  rate: 2,
  draw: (_places, pick) => ({
    fault: 'slow_consumer',
    at: 'consumer',
    parameters: { ms: pick(700, 1300) },
  }),
  ask: () =>
    'Photographs are answered as fast as ever, and their results reach the database later and later. Which one waited longest for somebody to take it, for how long, and how many others were taken together with it?',
  answer: {
    trace: 'the id of its trace',
    ms: 'how long its message waited in the queue, in milliseconds, within 2 %',
    others: 'how many others were waiting when its wait ended; one more or less is right, too',
  },
  solve(spans) {
    const waits = spans.filter(({ name }) => name === 'wait in the queue')
    const longest = most(waits, length)
    // One after the other they are taken from the batch, the first of them first.
    const others = waits.filter(
      (wait) => longest && wait !== longest && wait.start < longest.end && wait.end >= longest.end,
    )
    return {
      trace: is(longest?.traceId ?? ''),
      ms: near(longest ? length(longest) : Number.NaN, 0.02),
      others: near(longest ? others.length : Number.NaN, 0, 1),
    }
  },
}
