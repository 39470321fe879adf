import { expect, it } from 'vitest'
import { maxHeight, rowScale } from './row-scale.ts'

it('is as it is for what a browser can scroll', () => {
  expect(rowScale(24_000, 800)).toEqual({ height: 24_000, factor: 1 })
  expect(rowScale(maxHeight, 800)).toEqual({ height: maxHeight, factor: 1 })
  expect(rowScale(0, 0)).toEqual({ height: 0, factor: 1 })
})

it('leads to the last of a million rows, and of ten', () => {
  for (const total of [24_000_000, 240_000_000]) {
    const { height, factor } = rowScale(total, 800)
    expect(height).toBe(maxHeight)
    expect((height - 800) * factor).toBeCloseTo(total - 800, 3)
  }
})
