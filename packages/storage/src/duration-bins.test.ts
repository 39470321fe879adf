import { expect, it } from 'vitest'
import { binEdge, binOf, binValue, DURATION_BINS, DURATION_ERROR } from './duration-bins.ts'

it('has every duration in the one bin whose edges are around it, and a value that is near to both', () => {
  for (let bin = 0; bin < DURATION_BINS - 1; bin++) {
    const [first, end] = [binEdge(bin), binEdge(bin + 1)]
    if (first === end) continue
    // Beyond 2^53 the number before an edge is more than 1 away.
    const last = Math.min(end - 1, end * (1 - Number.EPSILON / 2))
    expect([binOf(first), binOf(last)]).toEqual([bin, bin])
    for (const duration of [first, last])
      expect(Math.abs(binValue(bin) - duration)).toBeLessThanOrEqual(duration * DURATION_ERROR * (1 + 1e-12))
  }
  expect(binOf(2 ** 63 - 1024)).toBe(DURATION_BINS - 2)
})
