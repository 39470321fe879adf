import { expect, it } from 'vitest'
import { clocksText, timesText } from './verdict-words.ts'

it.each([
  [{ spans: 1, failed: 0 }, ''],
  [{ spans: 1, failed: 1 }, ''],
  [{ spans: 34, failed: 0 }, '34 times'],
  [{ spans: 3, failed: 2 }, 'in 3 tries'],
  [{ spans: 2, failed: 1 }, 'in 2 tries'],
  [{ spans: 3, failed: 1 }, '3 times, 1 failed'],
  [{ spans: 2551, failed: 3 }, '2,551 times, 3 failed'],
  [{ spans: 3, failed: 3 }, '3 times'],
])('%o: %s', (share, words) => expect(timesText(share)).toBe(words))

it('names the clocks that are apart, and how many more there are', () => {
  const clock = { service: 'stock', host: '', aheadNs: 1_100_000_000 }
  expect(clocksText([clock, { ...clock, host: 'node-3', aheadNs: -2_000_000 }])).toBe(
    'stock: 1.10 s ahead\nstock on node-3: 2.00 ms behind',
  )
  expect(
    clocksText(Array.from({ length: 15 }, () => clock))
      .split('\n')
      .at(-1),
  ).toBe('and 3 more')
})
