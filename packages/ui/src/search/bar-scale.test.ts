import type { TraceRow } from 'spoor/api'
import { describe, expect, it } from 'vitest'
import { barScale } from './bar-scale.ts'

const rows = (...durations: number[]) => durations.map((durationNs) => ({ durationNs }) as TraceRow)

describe('barScale', () => {
  it('is the longest, or less when one is far off', () => {
    expect(barScale(rows(1, 2, 3))).toBe(3)
    expect(barScale(rows(...Array.from({ length: 99 }, () => 100), 30_000))).toBe(150)
    expect(barScale([])).toBe(1)
    expect(barScale(rows(0))).toBe(1)
  })
})
