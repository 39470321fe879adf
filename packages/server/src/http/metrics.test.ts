import { createCounters } from '@spoor/collector'
import { expect, it } from 'vitest'
import { prometheusText } from './metrics.ts'

it('keeps the series of a name together and escapes labels', () => {
  const counters = createCounters()
  counters.counter('a', { x: '1' }).value = 2
  counters.counter('b', {}).value = 0.5
  counters.counter('a', { x: 'q"\\\n' }).value = 3
  expect(prometheusText(counters)).toBe(
    ['# TYPE a untyped', 'a{x="1"} 2', String.raw`a{x="q\"\\\n"} 3`, '# TYPE b untyped', 'b 0.5', ''].join('\n'),
  )
})
