import { describe, expect, it } from 'vitest'
import { clockTicks, decadeTicks, offsetTicks } from './ticks.ts'

const labels = (ticks: readonly { label: string }[]) => ticks.map((tick) => tick.label)

describe('offsetTicks', () => {
  it('has the unit at both ends only', () => {
    expect(labels(offsetTicks(0, 200e6, 5))).toEqual(['0 ms', '50', '100', '150', '200 ms'])
  })

  it('shows the digits that a step needs', () => {
    expect(labels(offsetTicks(0, 1e6, 4))).toEqual(['0.0 ms', '0.5', '1.0 ms'])
    expect(labels(offsetTicks(10e6, 10.4e6, 4))).toEqual(['10.0 ms', '10.1', '10.2', '10.3', '10.4 ms'])
  })

  it.each([1, 3, 7, 42, 999, 1_001, 12_345_678, 5e9, 61e9, 3_700e9, 90_000e9, 4e14])(
    'never exceeds the count over %d ns',
    (span) => {
      for (const count of [2, 4, 8, 12]) {
        const ticks = offsetTicks(0, span, count)
        expect(ticks.length).toBeGreaterThan(0)
        expect(ticks.length).toBeLessThanOrEqual(count + 1)
        for (const tick of ticks) expect(tick.at).toBeLessThanOrEqual(span * (1 + 1e-9))
      }
    },
  )

  it('uses minutes only for whole minutes', () => {
    expect(labels(offsetTicks(0, 100e9, 5))).toEqual(['0 s', '20', '40', '60', '80', '100 s'])
    expect(labels(offsetTicks(0, 600e9, 5))).toEqual(['0 min', '2', '4', '6', '8', '10 min'])
  })

  it('has none without a span', () => {
    expect(offsetTicks(5, 5, 4)).toEqual([])
  })
})

describe('decadeTicks', () => {
  it('names each decade in the unit that reads best', () => {
    expect(labels(decadeTicks(500e3, 20e9))).toEqual(['1 ms', '10 ms', '100 ms', '1 s', '10 s'])
  })

  it('has 2 and 5 between when there are few decades', () => {
    expect(labels(decadeTicks(80e6, 600e6))).toEqual(['100 ms', '200 ms', '500 ms'])
    expect(labels(decadeTicks(1, 10))).toEqual(['1 ns', '2 ns', '5 ns', '10 ns'])
  })
})

describe('clockTicks', () => {
  const noon = Date.UTC(2026, 4, 9, 12, 0, 0)

  it('falls on round times', () => {
    expect(labels(clockTicks(noon, noon + 3600e3, 4, 0))).toEqual(['12:00', '12:15', '12:30', '12:45', '13:00'])
  })

  it('puts days on local midnights and dates them', () => {
    const ticks = clockTicks(noon, noon + 86400e3, 2, 2 * 3600e3)
    expect(labels(ticks)).toEqual(['05-10', '12:00'])
    expect(ticks[0]?.at).toBe(Date.UTC(2026, 4, 9, 22))
  })

  it('shows seconds and milliseconds when the range is short', () => {
    expect(labels(clockTicks(noon, noon + 4e3, 4, 0))[1]).toBe('12:00:01')
    expect(labels(clockTicks(noon, noon + 4, 4, 0))[1]).toBe('00:00.001')
  })
})
