import { expect, it } from 'vitest'
import { readOpenTracesOptions } from './options.ts'

it('is a million, three times, and a crash, when nothing is said', () => {
  expect(readOpenTracesOptions([])).toEqual({ traces: 1_000_000, runs: 3, kill: true })
})

it('is what is said', () => {
  expect(readOpenTracesOptions(['--traces', '20000', '--runs', '1', '--no-kill'])).toEqual({
    traces: 20_000,
    runs: 1,
    kill: false,
  })
})

it.each([
  [['--traces', '10'], /--traces 10: not a number from 10000 to 10000000/],
  [['--runs', 'many'], /--runs many: not a number from 1 to 100/],
  [['--trace', '1'], /--trace/],
])('%j is refused', (args, message) => {
  expect(() => readOpenTracesOptions(args)).toThrow(message)
})
