import type { TraceRow } from 'spoor/api'
import { describe, expect, it } from 'vitest'
import { barScale, barShare } from './bar-scale.ts'

const rows = (...durations: number[]) => durations.map((durationNs) => ({ durationNs }) as TraceRow)

describe('barShare', () => {
  it('goes by the logarithm, from a bar that can be seen to the whole width', () => {
    const scale = barScale(rows(1e6, 1e9, 1e7))
    expect(scale).toEqual({ minNs: 1e6, maxNs: 1e9 })
    expect(barShare(1e6, scale)).toBeCloseTo(0.05)
    expect(barShare(1e7, scale)).toBeCloseTo(0.05 + 0.95 / 3)
    expect(barShare(1e9, scale)).toBeCloseTo(1)
  })

  it('takes one duration, none, and a duration of nothing', () => {
    expect(barShare(5, barScale(rows(5, 5)))).toBe(1)
    expect(barShare(0, barScale(rows(0)))).toBe(1)
    expect(barScale([])).toEqual({ minNs: 1, maxNs: 1 })
    expect(barShare(0, barScale(rows(0, 100)))).toBeCloseTo(0.05)
  })
})
