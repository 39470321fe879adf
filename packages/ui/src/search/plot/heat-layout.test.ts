import type { HeatMapResponse } from 'spoor/api'
import { expect, test } from 'vitest'
import { binAt, binOf, heatScale } from './heat-layout.ts'
import { msAt, nsAt, xOf, yOf } from './plot-scale.ts'

const map: HeatMapResponse = {
  from: '1778000000000000000',
  to: '1778000004000000000',
  bucketsFrom: '1778000000000000000',
  bucketNs: 1e9,
  edgesNs: [1e6, 1e7, 1e8],
  counts: [1, 2, 0, 4, 5, 6, 7, 8],
  errors: [0, 1, 0, 0, 0, 0, 0, 3],
  exemplars: [],
  complete: true,
  spansScanned: 33,
  bytesRead: 0,
  elapsedMs: 1,
}
const area = { left: 40, top: 10, width: 800, height: 100 }
const scale = heatScale(map, area)

test('the bins fill the plane', () => {
  expect(scale).toMatchObject({ fromMs: 1_778_000_000_000, toMs: 1_778_000_004_000, minNs: 1e6, maxNs: 1e8 })
  expect(xOf(scale, binAt(map, scale, 0).fromMs)).toBe(40)
  expect(xOf(scale, binAt(map, scale, 7).toMs)).toBe(840)
  expect(yOf(scale, binAt(map, scale, 7).maxNs)).toBeCloseTo(10)
})

test('what is at a place is what was counted there', () => {
  for (const index of map.counts.keys()) {
    const { fromMs, toMs, minNs, maxNs } = binAt(map, scale, index)
    const [x, y] = [xOf(scale, (fromMs + toMs) / 2), yOf(scale, Math.sqrt(minNs * maxNs))]
    const bin = binOf(map, scale, msAt(scale, x), nsAt(scale, y))
    expect(bin).toMatchObject({ index, count: map.counts[index], errors: map.errors[index] })
  }
  expect(binOf(map, scale, scale.fromMs - 1, 2e6)).toBeUndefined()
  expect(binOf(map, scale, scale.toMs, 2e6)).toBeUndefined()
  expect(binOf(map, scale, scale.fromMs, 1e8)).toBeUndefined()
  expect(binOf(map, scale, scale.fromMs, 1e5)).toBeUndefined()
})

test('a map of one moment or one duration, or of nothing, has a plane all the same', () => {
  for (const edgesNs of [[], [0], [0, 1], [5, 6]]) {
    const { fromMs, toMs, minNs, maxNs } = heatScale({ ...map, bucketNs: 0, edgesNs, counts: [] }, area)
    expect(toMs).toBeGreaterThan(fromMs)
    expect(minNs).toBeGreaterThanOrEqual(1)
    expect(maxNs).toBeGreaterThan(minNs)
  }
})
