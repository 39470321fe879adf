import { expect, it } from 'vitest'
import { bloomAdd, bloomHas, bloomHasIn, createBloom, foldBloom } from './bloom.ts'

const hashes = Array.from({ length: 2_000 }, (_, i) => Math.imul(i + 1, 0x9e3779b1))
const others = Array.from({ length: 20_000 }, (_, i) => Math.imul(i + 5_000, 0x9e3779b1))
const PROBES = 6

function filterOf(bits: number): Uint32Array {
  const bloom = createBloom(hashes.length, bits)
  for (const hash of hashes) bloomAdd(bloom, hash, PROBES)
  return bloom
}

it('a folded filter is that of half as many bits', () => {
  const bloom = filterOf(16)
  expect(bloom.length % 2).toBe(0)
  const folded = new Uint32Array(bloom.length / 2)
  foldBloom(bloom, folded)
  expect(folded).toEqual(filterOf(8))
  expect(hashes.every((hash) => bloomHas(folded, hash, PROBES))).toBe(true)
})

it('read word by word it says the same', () => {
  const bloom = filterOf(12)
  const read = (word: number): number => bloom[word]!
  for (const hash of [...hashes, ...others])
    expect(bloomHasIn(bloom.length, read, hash, PROBES)).toBe(bloomHas(bloom, hash, PROBES))
})
