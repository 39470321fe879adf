import { expect, test } from 'vitest'
import { createCounters } from './counters.ts'

test('one counter for a name and its labels, in whatever order they are written', () => {
  const counters = createCounters()
  counters.counter('sent', { exporter: 'a', reason: 'x' }).value += 2
  counters.counter('sent', { reason: 'x', exporter: 'a' }).value += 3
  counters.counter('sent', { exporter: 'b' })
  let size = 4
  counters.gauge('queue', { exporter: 'a' }, () => size)
  size = 9
  expect(counters.snapshot()).toEqual([
    { name: 'sent', labels: { exporter: 'a', reason: 'x' }, value: 5 },
    { name: 'sent', labels: { exporter: 'b' }, value: 0 },
    { name: 'queue', labels: { exporter: 'a' }, value: 9 },
  ])
})
