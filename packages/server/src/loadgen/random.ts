/**
 * A seeded generator of pseudo-random numbers (xorshift128), so that every process of a run makes the same workload
 * from the same seed without passing it around.
 */
export interface Random {
  /** 0 to 2^32 - 1. */
  uint32(): number
  /** 0 to `below` - 1; `below` at most 2^32. */
  below(below: number): number
  /** True with probability `share`, 0-1. */
  chance(share: number): boolean
  pick<T>(values: readonly T[]): T
  bytes(count: number): Uint8Array
}

export function createRandom(seed: number): Random {
  // Four words of state from one seed by the SplitMix32 steps that the xorshift authors advise; never all zero.
  let mix = seed >>> 0
  const word = () => {
    mix = (mix + 0x9e3779b9) >>> 0
    let z = mix
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b)
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
    return (z ^ (z >>> 16)) >>> 0
  }
  let a = word()
  let b = word()
  let c = word()
  let d = word() | 1

  const uint32 = () => {
    let t = a ^ (a << 11)
    t ^= t >>> 8
    a = b
    b = c
    c = d
    d = d ^ (d >>> 19) ^ t
    return d >>> 0
  }
  const below = (limit: number) => Math.floor((uint32() / 0x1_0000_0000) * limit)

  return {
    uint32,
    below,
    chance: (share) => uint32() < share * 0x1_0000_0000,
    pick(values) {
      const value = values[below(values.length)]
      if (value === undefined) throw new RangeError('pick needs at least one value')
      return value
    },
    bytes(count) {
      const bytes = new Uint8Array(count)
      for (let i = 0; i < count; i++) bytes[i] = uint32() & 0xff
      return bytes
    },
  }
}
