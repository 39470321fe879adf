import type { TraceRow } from 'spoor/api'
import { describe, expect, it } from 'vitest'
import { msAt, nsAt, xOf, yOf } from './plot-scale.ts'
import { nearestPoint, placePoints, scatterScale } from './scatter-layout.ts'

const area = { left: 40, top: 10, width: 800, height: 100 }
const row = (startMs: number, durationNs: number, errors = 0): TraceRow => ({
  traceId: '0'.repeat(32),
  rootService: 'a',
  rootName: 'b',
  start: '0',
  durationNs: 10 * durationNs,
  requestStart: `${startMs}000000`,
  requestDurationNs: durationNs,
  tailNs: 0,
  spans: 3,
  errors,
  orphans: 0,
  services: [],
})

describe('scatterScale', () => {
  it('has room for all and goes there and back', () => {
    const scale = scatterScale([row(1_778_000_000_000, 1e6), row(1_778_000_060_000, 5e9)], area)!
    expect(xOf(scale, 1_778_000_000_000)).toBeGreaterThan(area.left)
    expect(xOf(scale, 1_778_000_060_000)).toBeLessThan(area.left + area.width)
    expect(yOf(scale, 5e9)).toBeGreaterThan(area.top)
    expect(yOf(scale, 1e6)).toBeLessThan(area.top + area.height)
    expect(yOf(scale, 5e9)).toBeLessThan(yOf(scale, 1e6))
    expect(msAt(scale, xOf(scale, 1_778_000_030_000))).toBeCloseTo(1_778_000_030_000, 3)
    expect(nsAt(scale, yOf(scale, 2e8))).toBeCloseTo(2e8, 0)
  })

  it('survives one trace, and one without length', () => {
    for (const ns of [0, 1, 1e6]) {
      const scale = scatterScale([row(1_778_000_000_000, ns)], area)!
      expect(Number.isFinite(yOf(scale, ns))).toBe(true)
      expect(scale.toMs - scale.fromMs).toBe(1000)
      expect(scale.maxNs / scale.minNs).toBeGreaterThanOrEqual(10)
    }
    expect(scatterScale([], area)).toBeUndefined()
  })
})

describe('points', () => {
  const rows = [row(1000, 1e6), row(2000, 1e7, 2), row(3000, 1e8)]
  const scale = scatterScale(rows, area)!
  const points = placePoints(rows, scale)

  it('finds the nearest within reach', () => {
    expect(nearestPoint(points, points.x[1]! + 3, points.y[1]! - 3, 10)).toBe(1)
    expect(nearestPoint(points, points.x[1]! + 30, points.y[1]!, 10)).toBe(-1)
    expect([...points.failed]).toEqual([0, 1, 0])
  })
})
