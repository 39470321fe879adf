import { describe, expect, it } from 'vitest'
import { flameShape, neighbour, nodeAt, viewOf } from './flame-shape.ts'

const shapeOf = (by: 'sum' | 'fit', ...nodes: [parent: number, own: number][]) =>
  flameShape(
    Int32Array.from(nodes, ([parent]) => parent),
    Float64Array.from(nodes, ([, own]) => own),
    by,
  )

describe('flameShape', () => {
  const sum = shapeOf('sum', [-1, 5], [0, 22], [1, 3], [0, 1])

  it('is as wide as what nodes have and all below, children side by side within their parents', () => {
    expect([...sum.width]).toEqual([31, 25, 3, 1])
    expect([...sum.from]).toEqual([0, 0, 0, 25])
    expect([...sum.depth]).toEqual([0, 1, 2, 1])
    expect(sum).toMatchObject({ totalNs: 31, levels: 3 })
  })

  it('is as wide as what nodes have with their children, or as wide as these', () => {
    const fit = shapeOf('fit', [-1, 10], [0, 8], [0, 6], [1, 2])
    expect([...fit.width]).toEqual([14, 8, 6, 2])
    expect([...fit.solid]).toEqual([10, 8, 6, 2])
    expect([...fit.from]).toEqual([0, 0, 8, 0])
  })

  it('finds a node by its place', () => {
    expect(nodeAt(sum, 1, 24)).toBe(1)
    expect(nodeAt(sum, 1, 25)).toBe(3)
    expect(nodeAt(sum, 1, 27)).toBe(-1)
  })

  it('puts several roots side by side, and takes what has no time', () => {
    expect([...shapeOf('sum', [-1, 4], [-1, 6]).from]).toEqual([0, 4])
    expect(shapeOf('fit', [-1, 0]).totalNs).toBe(1)
    expect(shapeOf('fit')).toMatchObject({ totalNs: 1, levels: 0 })
  })
})

describe('viewOf', () => {
  const shape = shapeOf('fit', [-1, 10], [-1, 4], [1, 0])
  it('is all, or the node that fills the width', () => {
    expect(viewOf(shape, -1)).toEqual({ fromNs: 0, wideNs: 14 })
    expect(viewOf(shape, 1)).toEqual({ fromNs: 10, wideNs: 4 })
    expect(viewOf(shape, 2)).toEqual({ fromNs: 0, wideNs: 14 })
  })
})

describe('neighbour', () => {
  /**
   * ```
   * 0         1
   * 2    3    4    5 (no width)
   *      6
   * ```
   */
  const shape = shapeOf('fit', [-1, 10], [-1, 10], [0, 5], [0, 5], [1, 10], [1, 0], [3, 5])
  const from = (node: number, focus = -1) =>
    ['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight'].map((key) => neighbour(shape, node, focus, key))

  it('is the parent, the first child, or who is beside it, whoever its parent', () => {
    expect(from(-1)).toEqual([0, 0, 0, 0])
    expect(from(0)).toEqual([0, 2, 0, 1])
    expect(from(3)).toEqual([0, 6, 2, 4])
    expect(from(4)).toEqual([1, 4, 3, 4])
  })

  it('is none out of view', () => {
    expect(from(3, 0)).toEqual([0, 6, 2, 3])
    expect(from(4, 1)).toEqual([1, 4, 4, 4])
    expect(from(-1, 1)).toEqual([1, 1, 1, 1])
  })
})
