import { expect, it } from 'vitest'
import { windowsBefore } from './windows.ts'

const MINUTE = 60_000_000_000n
const TOP = 2n ** 64n - 1n

it('has all time once, from its end on, in stretches that grow', () => {
  const windows = [...windowsBefore(TOP, 1_000n * MINUTE, 1_100n * MINUTE)]
  expect(windows.map(({ from }) => from / MINUTE)).toEqual([1_099n, 1_096n, 1_084n, 1_036n, 0n])
  expect(windows[0]!.to).toBe(TOP)
  for (const [i, { to }] of windows.entries()) if (i > 0) expect(to).toBe(windows[i - 1]!.from - 1n)
  expect(windows.at(-1)!.from).toBe(0n)
})

it('begins where it is told to, and is one where spans are close together', () => {
  expect([...windowsBefore(TOP, 5n, 7n)]).toEqual([{ from: 0n, to: TOP }])
  expect([...windowsBefore(10n, 5n, 7n)]).toEqual([{ from: 0n, to: 10n }])
  const [first] = windowsBefore(50n * MINUTE, 0n, 100n * MINUTE)
  expect(first).toEqual({ from: 49n * MINUTE, to: 50n * MINUTE })
})
