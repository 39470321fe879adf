import { expect, it } from 'vitest'
import { seenNow, unseenOf } from './seen.ts'

const row = (where: string, firstSeenMs: number, id?: string) => ({
  code: 'n_plus_one',
  where,
  firstSeenMs,
  ...(id !== undefined && { id }),
})

it('what was seen is not new, whatever its figures become; what begins anew is', () => {
  const rows = [row('service a', 10), row('service b', 20)]
  expect(unseenOf(rows, {})).toEqual(rows)
  const seen = seenNow([rows[0]!], {}, 100)
  expect(unseenOf(rows, seen)).toEqual([rows[1]])
  expect(unseenOf([row('service a', 101)], seen)).toHaveLength(1)
  expect(unseenOf([row('service a', 100)], seen)).toEqual([])
})

it('two things at one place are two where they have ids', () => {
  const [one, two] = [row('service a', 1, 'one'), row('service a', 1, 'two')]
  expect(unseenOf([one, two], seenNow([one], {}, 100))).toEqual([two])
})

it('a browser whose clock is behind has seen what it has shown', () => {
  const rows = [row('service a', 5_000)]
  expect(unseenOf(rows, seenNow(rows, {}, 100))).toEqual([])
})

it('of many those are forgotten that were seen longest ago', () => {
  const many = Array.from({ length: 500 }, (_, index) => row(String(index), 0))
  const seen = seenNow(many, seenNow([row('first', 0)], {}, 100), 200)
  expect(unseenOf([row('first', 0), many[0]!], seen)).toEqual([row('first', 0)])
})
