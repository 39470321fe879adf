import { describe, expect, it } from 'vitest'
import { drawnEdge } from './drawn-edge.ts'

const spacing = { width: 100, height: 40, gapX: 10, gapY: 60 }
const placement = { x: Float32Array.of(0, 200, 0), y: Float32Array.of(0, 100, 0) }
const down = { flow: 'down' as const, placement }

describe('drawnEdge', () => {
  it('leads from below a parent to above its child', () => {
    const edge = drawnEdge({ from: 0, to: 1, style: 'call' }, 0, down, spacing)!
    expect(edge.path).toBe('M50,40 C50,70 250,70 250,100')
    expect([edge.head, edge.points, edge.middle]).toEqual([
      { x: 250, y: 100 },
      { x: 0, y: 1 },
      { x: 150, y: 70 },
    ])
  })

  it('points up where a link goes up', () => {
    const edge = drawnEdge({ from: 1, to: 0, style: 'link' }, 0, down, spacing)!
    expect([edge.head, edge.points]).toEqual([
      { x: 50, y: 40 },
      { x: 0, y: -1 },
    ])
  })

  it('follows its route, straight where it leaves and reaches nodes', () => {
    const route = [
      { x: 100, y: 20 },
      { x: 190, y: 80 },
    ]
    const edge = drawnEdge({ from: 0, to: 1, style: 'call' }, 0, { ...down, flow: 'right', routes: [route] }, spacing)!
    expect(edge.path).toBe('M100,20 Q130,20 145,50 Q160,80 190,80')
    expect(edge.points).toEqual({ x: 1, y: 0 })
  })

  it('is nothing from a node to itself', () => {
    expect(drawnEdge({ from: 1, to: 1, style: 'call' }, 0, { ...down, routes: [[]] }, spacing)).toBeUndefined()
  })
})
