import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatDuration, formatGoDuration, parseGoDuration } from './time.ts'

describe('Go durations', () => {
  it.each([
    ['0', 0],
    ['-0', 0],
    ['0s', 0],
    ['1ns', 1],
    ['200ms', 200e6],
    ['1.5s', 1.5e9],
    ['.5s', 0.5e9],
    ['1.s', 1e9],
    ['1h30m', 5400e9],
    ['-1m0.25s', -60.25e9],
    ['+2us', 2000],
    ['2µs3μs', 5000],
  ])('%s is %d ns', (text, ns) => {
    expect(parseGoDuration(text)).toBe(ns)
  })

  it.each(['', '5', '1d', '1 s', 's', '.s', '1s ', '--1s', '1e3s', '9999999h', '１s'])('%j is none', (text) => {
    expect(() => parseGoDuration(text)).toThrow(RangeError)
  })

  it('are printed as Go prints them, and read back', () => {
    const printed = ['0s', '1ns', '1.5µs', '200ms', '1.5s', '1m30s', '2m0s', '1h0m0.25s', '-3h5m7s']
    expect(printed.map((text) => formatGoDuration(parseGoDuration(text)))).toEqual(printed)
    fc.assert(
      fc.property(fc.integer({ min: -1e15, max: 1e15 }), (ns) => {
        expect(parseGoDuration(formatGoDuration(ns))).toBe(ns)
      }),
    )
  })
})

describe('formatDuration', () => {
  it.each([
    [0, '0 ns'],
    [812, '812 ns'],
    [999.7, '1.00 µs'],
    [4610, '4.61 µs'],
    [46.1e6, '46.1 ms'],
    [143e6, '143 ms'],
    [999.6e6, '1.00 s'],
    [1.2e9, '1.20 s'],
    [9.996e9, '10.0 s'],
    [-75e9, '-75.0 s'],
    [119.99e9, '2 m 00 s'],
    [125e9, '2 m 05 s'],
    [3599.7e9, '1 h 00 m'],
    [11_220e9, '3 h 07 m'],
  ])('%d ns is %s', (ns, text) => {
    expect(formatDuration(ns)).toBe(text)
  })
})
