import { describe, expect, it } from 'vitest'
import { searchOf, swapped, timesText } from './sides.ts'

describe('the sides of a comparison', () => {
  it('change places, with their times', () => {
    expect(swapped({ a: 'x', b: 'y', aFrom: '25h', aTo: '24h', bFrom: '1h', of: 'spans' })).toEqual({
      a: 'y',
      b: 'x',
      aFrom: '1h',
      bFrom: '25h',
      bTo: '24h',
      of: 'spans',
    })
  })

  it('lead to the search that finds one of them: since so long, of all time, or from when to when', () => {
    expect(searchOf({ a: 'x', aFrom: '1h' }, 'a')).toEqual({ q: 'x', range: '1h' })
    expect(searchOf({ b: 'y' }, 'b')).toEqual({ q: 'y', range: 'all' })
    expect(searchOf({ a: 'x', aFrom: '5', aTo: '7' }, 'a')).toEqual({ q: 'x', from: '5', to: '7' })
    for (const [aFrom, minutes] of [
      ['25h', 60],
      ['24h30m0s', 30],
    ] as const) {
      const { from, to } = searchOf({ a: 'x', aFrom, aTo: '24h' }, 'a')
      expect(Number(BigInt(to!) - BigInt(from!)) / 60e9).toBeCloseTo(minutes, 1)
      expect(Date.now() - Number(BigInt(to!) / 1_000_000n)).toBeGreaterThanOrEqual(24 * 3_600_000)
    }
  })

  it('say their times', () => {
    expect(timesText({ range: '6h' }, 'utc')).toBe('last 6h')
    expect(timesText({ range: 'all' }, 'utc')).toBe('all time')
    expect(timesText({ from: '1760000000000000000' }, 'utc')).toMatch(/^since .*2025/)
  })
})
