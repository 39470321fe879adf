import { array, assert, integer, property } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { layered } from './layered.ts'

const spacing = { width: 100, height: 40, gapX: 50, gapY: 10 }

describe('layered', () => {
  it('goes from callers to what they call, each as far left as its callers allow', () => {
    //  0 ─ 1 ─ 2 ─ 3, and 0 ─ 3; 4 ─ 3
    const { placement, routes, flow } = layered(
      5,
      [
        [0, 1],
        [1, 2],
        [2, 3],
        [0, 3],
        [4, 3],
      ],
      spacing,
    )
    expect(flow).toBe('right')
    expect([...placement.x]).toEqual([0, 150, 300, 450, 300])
    expect(routes![0]!.map(({ x }) => x)).toEqual([100, 150])
    // The long one passes two layers in lanes of its own, clear of their nodes.
    const long = routes![3]!
    expect(long.map(({ x }) => x)).toEqual([100, 150, 250, 300, 400, 450])
    for (const [node, at] of [
      [1, 1],
      [2, 3],
    ] as const) {
      expect(Math.abs(long[at]!.y - placement.y[node]! - 20)).toBeGreaterThanOrEqual(23 + 6 - 0.01)
    }
  })

  it('bundles the long edges of a node', () => {
    const { routes } = layered(
      5,
      [
        [0, 1],
        [1, 2],
        [2, 3],
        [2, 4],
        [0, 3],
        [0, 4],
      ],
      spacing,
    )
    expect(routes![4]!.slice(0, -1)).toEqual(routes![5]!.slice(0, -1))
  })

  it('lets what closes a circle go back', () => {
    const { placement, routes } = layered(
      3,
      [
        [0, 1],
        [1, 2],
        [2, 0],
        [1, 1],
      ],
      spacing,
    )
    expect([...placement.x]).toEqual([0, 150, 300])
    expect(routes![2]![0]!.x).toBe(300)
    expect(routes![2]!.at(-1)!.x).toBe(100)
    expect(routes![3]).toEqual([])
  })

  it('never overlaps, whatever the graph', () => {
    const graphs = array(array(integer({ min: 0, max: 19 }), { minLength: 2, maxLength: 2 }), { maxLength: 60 })
    assert(
      property(graphs, (pairs) => {
        const edges = pairs.map(([from, to]): [number, number] => [from!, to!])
        const { placement, routes } = layered(20, edges, spacing)
        for (let one = 0; one < 20; one++) {
          for (let other = 0; other < one; other++) {
            if (placement.x[one] !== placement.x[other]) continue
            expect(Math.abs(placement.y[one]! - placement.y[other]!)).toBeGreaterThanOrEqual(49.99)
          }
        }
        edges.forEach(([from, to], index) => {
          if (from === to) return
          const ys = [routes![index]![0]!.y, routes![index]!.at(-1)!.y]
          expect(ys[0]).toBeCloseTo(placement.y[from]! + 20, 1)
          expect(ys[1]).toBeCloseTo(placement.y[to]! + 20, 1)
        })
      }),
    )
  })

  it('gives nothing for nothing', () => {
    expect(layered(0, [], spacing).placement.x).toHaveLength(0)
  })
})
