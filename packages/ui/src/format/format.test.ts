import { describe, expect, it } from 'vitest'
import { formatBytes, formatCounted, formatRate, formatShare } from './numbers.ts'
import { formatInstant, formatStart } from './time.ts'

describe('numbers', () => {
  it('groups, counts and scales', () => {
    expect(formatCounted(1, 'span')).toBe('1 span')
    expect(formatCounted(2318, 'trace')).toBe('2,318 traces')
    expect([0, 0.42, 9.96, 12.4, 1204].map(formatRate)).toEqual(['0', '0.4', '10', '12', '1,204'])
    expect([0, 912, 4200, 13_000_000, 2.5e9].map(formatBytes)).toEqual(['0 B', '912 B', '4.2 kB', '13 MB', '2.5 GB'])
    expect([0, 0.0004, 0.003, 0.42, 1].map(formatShare)).toEqual(['0 %', '< 0.1 %', '0.3 %', '42 %', '100 %'])
  })
})

describe('times', () => {
  const at = BigInt(Date.UTC(2026, 4, 9, 12, 31, 7, 218)) * 1_000_000n + 43_117n

  it('leaves out the date of today and the year of this year', () => {
    expect(formatStart(at, 'utc', new Date(Date.UTC(2026, 4, 9, 23)))).toBe('12:31:07.218')
    expect(formatStart(at, 'utc', new Date(Date.UTC(2026, 4, 10)))).toBe('05-09 12:31:07.218')
    expect(formatStart(at, 'utc', new Date(Date.UTC(2027, 0, 1)))).toBe('2026-05-09 12:31:07.218')
  })

  it('keeps every nanosecond', () => {
    expect(formatInstant(at, 'utc')).toBe('2026-05-09 12:31:07.218043117 UTC')
  })
})
