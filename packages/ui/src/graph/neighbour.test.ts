import { describe, expect, it } from 'vitest'
import { neighbourOf } from './neighbour.ts'

/*      0
 *     / \
 *    1   2   3 (alone)
 */
const placement = { x: Float32Array.of(50, 0, 100, 300), y: Float32Array.of(0, 60, 60, 60) }
const edges = [
  { from: 0, to: 1 },
  { from: 0, to: 2 },
  { from: 2, to: 2 },
]

describe('neighbourOf', () => {
  it.each([
    [0, 'down', 1],
    [2, 'up', 0],
    [1, 'right', 2],
    [2, 'right', 3],
    [2, 'left', 1],
    [3, 'up', -1],
    [2, 'down', -1],
    [1, 'left', -1],
  ] as const)('from %d %s to %d', (node, direction, expected) => {
    expect(neighbourOf(node, direction, edges, { flow: 'down', placement })).toBe(expected)
  })

  it('goes along with a graph that flows to the right', () => {
    const right = { flow: 'right' as const, placement: { x: placement.y, y: placement.x } }
    expect(neighbourOf(0, 'right', edges, right)).toBe(1)
    expect(neighbourOf(2, 'left', edges, right)).toBe(0)
    expect(neighbourOf(1, 'down', edges, right)).toBe(2)
  })
})
