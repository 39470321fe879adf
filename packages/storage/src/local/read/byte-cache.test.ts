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

  it('has what is not kept freed by who is done with it, and nothing else', () => {
    const { cache, all } = cacheOf(30)
    const freed: string[] = []
    const use = (index: number, bytes = 99): string =>
      cache.use(
        all[index]!,
        () => String(index),
        () => bytes,
        (value) => `used ${value}`,
        (value) => freed.push(value),
      )
    for (const i of range(0, 10)) expect(use(i)).toBe(`used ${i}`)
    expect(freed).toEqual([])
    expect([use(20), use(3)]).toEqual(['used 20', 'used 3'])
    expect(freed.splice(0)).toEqual(['20'])
    // Asked again, it is kept; what is too large never is.
    expect([use(20), use(20), use(21, 2_000), use(21, 2_000)].length).toBe(4)
    expect(freed).toEqual(['21', '21'])
    for (const i of range(23, 30)) use(i)
    const failing = (): string => {
      throw new Error('cannot be used')
    }
    expect(() =>
      cache.use(
        all[22]!,
        () => '22',
        () => 99,
        failing,
        (value) => freed.push(value),
      ),
    ).toThrow('be used')
    expect(freed.at(-1)).toBe('22')
  })

  it('keeps its word whatever is asked', () => {
    let seed = 1
    const random = (below: number): number => (seed = (seed * 48271) % 0x7fffffff) % below
    const { cache } = cacheOf(0)
    const live = new Map<number, Slot>()
    const slotOf = (key: number): Slot => {
      if (!live.has(key)) live.set(key, new Slot(() => void live.delete(key)))
      return live.get(key)!
    }
    for (let i = 0; i < 4_000; i++) {
      const key = random(40)
      const bytes = key === 7 ? 2_000 : 20 * key
      const ask = [
        () =>
          cache.get(
            slotOf(key),
            () => key,
            () => bytes,
          ),
        () =>
          cache.use(
            slotOf(key),
            () => key,
            () => bytes,
            (value) => value,
            () => {},
          ),
      ][random(2)]!
      if (random(50) === 0) cache.empty(slotOf(key))
      expect(ask()).toBe(key)
      const held = [...live.values()].filter((slot) => slot.bytes > 0)
      expect(held.reduce((sum, slot) => sum + slot.bytes, 0)).toBeLessThanOrEqual(1_000)
      // Those that hold something, as many that are remembered, and the one that is never kept.
      expect(live.size).toBeLessThanOrEqual(held.length + Math.max(8, held.length) + 2)
    }
  })

  it('forgets what it has emptied, after as many others', () => {
    const forgotten: number[] = []
    const cache = new ByteCache(1_000)
    const slots = range(0, 40).map((i) => new Slot(() => forgotten.push(i)))
    for (const slot of slots)
      cache.get(
        slot,
        () => 1,
        () => 99,
      )
    // 9 that stay, one that passes through; of those that are gone the last 10 are remembered.
    expect(forgotten).toEqual([0, ...range(10, 29)])
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
