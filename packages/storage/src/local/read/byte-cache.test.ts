import { describe, expect, it } from 'vitest'
import { ByteCache, Slot } from './byte-cache.ts'

/** Ten values of 99 bytes, and one that counts for each, fit. */
function cacheOf(slots: number) {
  const cache = new ByteCache(1_000)
  const all = Array.from({ length: slots }, () => new Slot())
  let loads = 0
  const ask = (index: number, bytes = 99): number => {
    const before = loads
    expect(
      cache.get(
        all[index]!,
        () => (loads++, `value ${index}`),
        () => bytes,
      ),
    ).toBe(`value ${index}`)
    return loads - before
  }
  return { cache, all, ask, held: () => all.reduce((sum, { bytes }) => sum + bytes, 0) }
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

describe('ByteCache', () => {
  it('keeps everything while there is room', () => {
    const { ask } = cacheOf(10)
    for (const i of range(0, 10)) ask(i)
    expect(range(0, 10).map((i) => ask(i))).toEqual(Array(10).fill(0))
  })

  it('never holds more than its bytes, and gives what is too large without keeping it', () => {
    const { ask, held, all } = cacheOf(200)
    for (let i = 0; i < 2_000; i++) {
      ask((i * 7919) % 200, (i * 31) % 400)
      expect(held()).toBeLessThanOrEqual(1_000)
    }
    expect([ask(0, 2_000), all[0]!.bytes]).toEqual([1, 0])
  })

  it('is not emptied by one who looks at everything once', () => {
    const { ask } = cacheOf(1_000)
    for (const i of range(0, 1_000)) ask(i)
    // The first went for the place where the others pass through.
    expect(range(1, 10).map((i) => ask(i))).toEqual(Array(9).fill(0))
  })

  it('takes in what is asked again soon, for what was used longest ago', () => {
    const { ask } = cacheOf(100)
    for (const i of range(0, 10)) ask(i)
    ask(0)
    // Each pushes the one before it out of probation, and comes again.
    for (const i of [20, 21, 22, 20, 21, 22]) ask(i)
    expect([20, 21, 0].map((i) => ask(i))).toEqual([0, 0, 0])
    expect(ask(1)).toBe(1)
  })

  it('has a value for a while that was asked once: who asks twice at once loads it once', () => {
    const { ask } = cacheOf(100)
    for (const i of range(0, 10)) ask(i)
    for (const i of range(10, 100)) expect([ask(i), ask(i)]).toEqual([1, 0])
  })

  it('is emptied of what is gone', () => {
    const { cache, all, ask, held } = cacheOf(20)
    for (const i of range(0, 20)) ask(i)
    for (const slot of all) cache.empty(slot)
    expect(held()).toBe(0)
    for (const i of range(0, 10)) ask(i)
    expect(range(0, 10).map((i) => ask(i))).toEqual(Array(10).fill(0))
  })
})
