import { expect, it } from 'vitest'
import { maxHeight, rowPlace, rowScale, turnedBy } from './row-scale.ts'

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

it('keeps the places of rows while one scrolls, and shows the row that the place in sight is of', () => {
  const [rowHeight, room] = [24, 800]
  const { height, factor } = rowScale(24_000_000, room)
  const bases = new Set<number>()
  for (let scrolled = 0; scrolled <= height - room; scrolled += 9973) {
    const first = Math.floor((scrolled * factor) / rowHeight)
    const { base, moved } = rowPlace(first * rowHeight, scrolled, factor)
    bases.add(base)
    // Below the top edge of what is in sight by less than a row, and no further down than a browser draws.
    const seenAt = first * rowHeight - base + moved - scrolled
    expect(seenAt).toBeGreaterThanOrEqual(-rowHeight)
    expect(seenAt).toBeLessThanOrEqual(1)
    expect(first * rowHeight - base).toBeLessThan(2 ** 20)
  }
  expect(bases.size).toBe(Math.ceil(24_000_000 / 2 ** 20))
})

it('goes by as many rows at a turn as where rows are not scaled, and loses nothing of small turns', () => {
  expect(turnedBy(240, 1.5, 0)).toEqual({ pixels: 160, rest: 0 })
  let [rest, pixels] = [0, 0]
  for (let turn = 0; turn < 3000; turn++) {
    const turned = turnedBy(turn % 3 === 2 ? -1 : 2, 15, rest)
    rest = turned.rest
    pixels += turned.pixels
  }
  expect(Math.abs(pixels - 3000 / 15)).toBeLessThan(1)
})
