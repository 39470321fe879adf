import { describe, expect, it } from 'vitest'
import { boundsOf, firstView, fitted, nodesIn, seenBox, withInSight, zoomed } from './viewport.ts'

const spacing = { width: 100, height: 40, gapX: 10, gapY: 10 }
const placement = { x: Float32Array.of(0, 200, 1000), y: Float32Array.of(0, 50, 400) }
const bounds = boundsOf(placement, spacing)
const boxOf = (node: number) => ({
  left: placement.x[node]!,
  top: placement.y[node]!,
  right: placement.x[node]! + 100,
  bottom: placement.y[node]! + 40,
})

describe('viewport', () => {
  it('shows all of a graph, and no larger than it is', () => {
    expect(bounds).toEqual({ left: 0, top: 0, right: 1100, bottom: 440 })
    const view = fitted(bounds, { width: 598, height: 600 })
    expect(view).toEqual({ zoom: 0.5, x: 24, y: 206 })
    expect(fitted(bounds, { width: 5000, height: 5000 }).zoom).toBe(1)
    expect(nodesIn(seenBox(view, { width: 598, height: 600 }), placement, spacing)).toEqual([0, 1, 2])
  })

  it('of one that would be too small shows the part around a node, without room beyond its ends', () => {
    const frame = { width: 400, height: 600 }
    expect(firstView(bounds, frame, 0.6, boxOf(0))).toMatchObject({ zoom: 0.6, x: 24 })
    expect(firstView(bounds, frame, 0.6, boxOf(2))).toMatchObject({ zoom: 0.6, x: 400 - 24 - 0.6 * 1100 })
    expect(firstView(bounds, frame, 0.2, boxOf(0))).toEqual(fitted(bounds, frame))
  })

  it('zooms around a point, within bounds', () => {
    const view = { x: 10, y: 20, zoom: 1 }
    const at = { x: 110, y: 220 }
    expect(zoomed(view, 0.5, at)).toEqual({ zoom: 0.5, x: 60, y: 120 })
    expect(zoomed(view, 100, at).zoom).toBe(2)
    expect(zoomed(view, 0, at).zoom).toBe(0.0001)
  })

  it('moves for what is out of sight, and only then', () => {
    const frame = { width: 400, height: 600 }
    const view = { x: 24, y: 56, zoom: 1 }
    expect(withInSight(view, frame, boxOf(0))).toBe(view)
    expect(withInSight(view, frame, boxOf(1))).toBe(view)
    expect(withInSight(view, frame, boxOf(2))).toEqual({ zoom: 1, x: 400 - 24 - 1100, y: 56 })
  })
})
