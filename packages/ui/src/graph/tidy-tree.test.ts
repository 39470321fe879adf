import { array, assert, nat, property } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { tidyTree } from './tidy-tree.ts'

const spacing = { width: 100, height: 40, gapX: 10, gapY: 20 }

/** A random forest in depth-first order: each row hangs below the row before it or one of that row's ancestors. */
const forests = array(nat(6), { maxLength: 80 }).map((picks) => {
  const parent: number[] = []
  for (const [row, pick] of picks.entries()) {
    const chain = [-1]
    for (let above = row - 1; above >= 0; above = parent[above]!) chain.push(above)
    parent.push(chain[pick % chain.length]!)
  }
  return parent
})

describe('tidyTree', () => {
  it('puts a parent over the middle of its children', () => {
    const { x, y } = tidyTree([-1, 0, 0], spacing)
    expect([...x]).toEqual([0, -55, 55])
    expect([...y]).toEqual([0, 60, 60])
  })

  it('never overlaps, keeps the order of children, and centres every parent', () => {
    assert(
      property(forests, (parent) => {
        const { x, y } = tidyTree(parent, spacing)
        const levels = new Map<number, number[]>()
        parent.forEach((_, row) => levels.set(y[row]!, [...(levels.get(y[row]!) ?? []), row]))
        for (const rows of levels.values()) {
          for (let index = 1; index < rows.length; index++) {
            expect(x[rows[index]!]! - x[rows[index - 1]!]!).toBeGreaterThanOrEqual(spacing.width + spacing.gapX - 0.01)
          }
        }
        parent.forEach((_, row) => {
          const children = parent.flatMap((above, child) => (above === row ? [child] : []))
          if (children.length > 0) expect(x[row]).toBeCloseTo((x[children[0]!]! + x[children.at(-1)!]!) / 2, 1)
        })
      }),
    )
  })

  it('gives nothing for nothing', () => {
    expect(tidyTree([], spacing).x).toHaveLength(0)
  })
})
