import { describe, expect, it } from 'vitest'
import { Latencies } from './latencies.ts'

function of(values: readonly number[]): Latencies {
  const latencies = new Latencies()
  for (const value of values) latencies.add(value)
  return latencies
}

describe('Latencies', () => {
  it('tells percentiles within half a percent', () => {
    const latencies = of(Array.from({ length: 1000 }, (_, index) => index + 1))
    for (const [share, expected] of [
      [0.5, 500],
      [0.9, 900],
      [0.99, 990],
    ] as const)
      expect(Math.abs(latencies.percentile(share) / expected - 1)).toBeLessThan(0.0051)
    expect([latencies.count, latencies.min, latencies.max, latencies.percentile(1)]).toEqual([1000, 1, 1000, 1000])
  })

  it('counts each once, whatever its size', () => {
    const latencies = of([...Array.from({ length: 99 }, () => 0.2), 60_000])
    expect(latencies.percentile(0.99)).toBeCloseTo(0.2, 2)
    expect(latencies.percentile(0.995)).toBe(60_000)
  })

  it('is 0 without any', () => {
    const none = new Latencies()
    expect([none.count, none.min, none.max, none.percentile(0.5)]).toEqual([0, 0, 0, 0])
  })
})
