import { expect, it } from 'vitest'
import { toldFirst } from './told-errors.ts'

it('has what says nothing of itself last, and all else as the store has it', () => {
  const [bare, typed, worded] = [
    { type: '', message: '', count: 146 },
    { type: 'TimeoutError', message: '', count: 64 },
    { type: '', message: 'out of paper', count: 3 },
  ] as const
  expect(toldFirst([bare, typed, worded])).toEqual([typed, worded, bare])
})
