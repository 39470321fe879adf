import { describe, expect, it } from 'vitest'
import { cycle, dueMs } from './pace.ts'

const first = <T>(count: number, values: Iterator<T, T>): T[] =>
  Array.from({ length: count }, () => values.next().value)

describe('dueMs', () => {
  it('is steady without a ramp', () => {
    expect([0, 1, 2, 50].map((index) => dueMs(index, 20, 0))).toEqual([0, 50, 100, 2500])
  })

  it('grows evenly to the rate: half as many come in the ramp, and then all', () => {
    const due = Array.from({ length: 200 }, (_, index) => dueMs(index, 20, 10))
    expect(due.filter((ms) => ms < 10_000)).toHaveLength(100)
    // A quarter of them in the first half of the ramp.
    expect(due.filter((ms) => ms < 5000)).toHaveLength(25)
    expect((due[150] ?? 0) - (due[149] ?? 0)).toBeCloseTo(50, 6)
    expect(due.every((ms, index) => index === 0 || ms > (due[index - 1] ?? 0))).toBe(true)
  })
})

describe('cycle', () => {
  it('goes through the files in their order, again and again', () => {
    expect(first(5, cycle(['a', 'b']))).toEqual(['a', 'b', 'a', 'b', 'a'])
  })

  it('is random with a seed, the same for the same one', () => {
    const files = ['a', 'b', 'c', 'd']
    const one = first(400, cycle(files, 7))
    expect(first(400, cycle(files, 7))).toEqual(one)
    expect(first(400, cycle(files, 8))).not.toEqual(one)
    for (const file of files) expect(one.filter((name) => name === file).length).toBeGreaterThan(60)
  })
})
