import { afterEach, expect, test, vi } from 'vitest'
import { between, given, hrTime, later, wallOffset } from './clock.ts'

afterEach(() => vi.restoreAllMocks())

test('the clock of the wall to a part of a millisecond, also after it was set', () => {
  const now = performance.now()
  const wall = now + wallOffset(now)
  expect(Math.abs(wall - Date.now())).toBeLessThan(60_000)
  const date = vi.spyOn(Date, 'now')
  date.mockReturnValue(Math.floor(wall))
  const before = wallOffset(now)
  // Whole milliseconds, and a little drift, say nothing.
  date.mockReturnValue(Math.floor(wall) - 1)
  expect(wallOffset(now)).toBe(before)
  date.mockReturnValue(Math.floor(wall) + 3_600_000)
  expect(now + wallOffset(now)).toBe(Math.floor(wall) + 3_600_000)
})

test('seconds and nanoseconds', () => {
  expect(hrTime(1_234.5678)).toEqual([1, 234_567_800])
  expect(hrTime(1_999.9999999)).toEqual([2, 0])
  expect(hrTime(0)).toEqual([0, 0])
  expect(later([1, 999_999_000], 0.002)).toEqual([2, 1_000])
  expect(later([1, 5], 2_000)).toEqual([3, 5])
  expect(between([1, 900_000_000], [3, 100_000_000])).toEqual([1, 200_000_000])
  expect(between([1, 1], [1, 3])).toEqual([0, 2])
  expect(between([2, 0], [1, 0])[0]).toBe(-1)
})

test('times as callers give them', () => {
  expect(given([5, 7], 0)).toEqual([5, 7])
  expect(given(new Date(1_500), 0)).toEqual([1, 500_000_000])
  expect(given(1_700_000_000_500, 0)).toEqual([1_700_000_000, 500_000_000])
  expect(given(0.5, 1_700_000_000_000)).toEqual([1_700_000_000, 500_000])
})
