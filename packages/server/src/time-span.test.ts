import { expect, it } from 'vitest'
import { timeSpanNs } from './time-span.ts'

it.each([
  ['2d', 172_800e9],
  ['1w', 604_800e9],
  ['1.5d', 129_600e9],
  ['1d12h', 129_600e9],
  ['1w1d1ms', 691_200e9 + 1e6],
  ['36h', 129_600e9],
  [' 1h ', 3_600e9],
])('%j', (text, ns) => {
  expect(timeSpanNs(text)).toBe(ns)
})

it.each(['', '2', 'd', '2days', '12h1d', '1d2', '-1d'])('%j is none', (text) => {
  expect(timeSpanNs(text)).toBeUndefined()
})
