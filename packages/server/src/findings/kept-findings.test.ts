import { expect, it } from 'vitest'
import type { FindingRow } from '../api.ts'
import { KeptFindings } from './kept-findings.ts'

const row = (id: string, firstSeenMs: number, lastSeenMs: number, more: Partial<FindingRow> = {}): FindingRow => ({
  id,
  code: 'n_plus_one',
  severity: 'warning',
  what: `at ${lastSeenMs}`,
  where: 'service shop',
  services: ['shop'],
  mend: 'Ask once.',
  lines: [],
  count: 1,
  firstSeenMs,
  lastSeenMs,
  spans: [{ traceId: String(lastSeenMs), spanId: '1' }],
  ...more,
})
const MINUTE = 60_000

it('one thing is kept once: since when, until when, in the words and with the spans of the last look', () => {
  const kept = new KeptFindings()
  kept.merge([row('a', 100, 200, { count: 7 })], 200)
  kept.merge([row('a', 150, 300, { count: 5 }), row('b', 250, 260)], 300)
  expect(kept.all()).toEqual([row('a', 100, 300, { count: 7 }), row('b', 250, 260)])
})

it('what a look does not see is kept for an hour after it was seen', () => {
  const kept = new KeptFindings()
  kept.merge([row('a', 0, 0), row('b', 0, 30 * MINUTE)], 30 * MINUTE)
  kept.merge([], 59 * MINUTE)
  expect(kept.all().map(({ id }) => id)).toEqual(['b', 'a'])
  kept.merge([], 60 * MINUTE)
  expect(kept.all().map(({ id }) => id)).toEqual(['b'])
  // As long as a look sees it, it is there, whatever its times are.
  kept.merge([row('a', 0, 0)], 200 * MINUTE)
  expect(kept.all().map(({ id }) => id)).toEqual(['a'])
})

it('of too many of one code those go that were seen longest ago, and are counted', () => {
  const kept = new KeptFindings()
  kept.merge(
    [
      ...Array.from({ length: 23 }, (_, index) => row(String(index), index, index)),
      row('c', 0, 0, { code: 'clock_skew' }),
    ],
    600,
  )
  expect(kept.all().map(({ id }) => id)).toEqual([...Array.from({ length: 20 }, (_, index) => String(22 - index)), 'c'])
  expect(kept.forgotten).toBe(3)
})
