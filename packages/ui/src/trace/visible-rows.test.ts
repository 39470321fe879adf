import { describe, expect, it } from 'vitest'
import { allCollapsed, collapsedOneLevel, expandedOneLevel, indexOfRow, revealed, visibleRows } from './visible-rows.ts'

/*
 * 0
 * ├ 1
 * │ ├ 2
 * │ └ 3
 * └ 4
 *   └ 5
 * 6
 */
const tree = {
  size: 7,
  parent: Int32Array.of(-1, 0, 1, 1, 0, 4, -1),
  depth: Uint16Array.of(0, 1, 2, 2, 1, 2, 0),
  subtreeEnd: Uint32Array.of(6, 4, 3, 4, 6, 6, 7),
  childCount: Uint32Array.of(2, 2, 0, 0, 1, 0, 0),
}
const none = new Uint8Array(7)
const only = (...rows: number[]) => Uint8Array.from(none, (_, row) => (rows.includes(row) ? 1 : 0))

describe('visibleRows', () => {
  it('leaves out what is inside a collapsed row', () => {
    expect([...visibleRows(tree, none)]).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect([...visibleRows(tree, only(1))]).toEqual([0, 1, 4, 5, 6])
    expect([...visibleRows(tree, allCollapsed(tree))]).toEqual([0, 6])
  })
})

describe('indexOfRow', () => {
  const rows = visibleRows(tree, only(1))
  it('finds a row, or the ancestor that hides it', () => {
    expect(indexOfRow(rows, 4)).toBe(2)
    expect(indexOfRow(rows, 3)).toBe(1)
    expect(indexOfRow(new Uint32Array(0), 3)).toBe(-1)
  })
})

describe('revealed', () => {
  it('opens the ancestors and nothing else', () => {
    expect([...revealed(tree, allCollapsed(tree), 5)]).toEqual([...only(1)])
    const collapsed = only(4)
    expect(revealed(tree, collapsed, 3)).toBe(collapsed)
  })
})

describe('levels', () => {
  it('open from the top and close from the bottom', () => {
    const top = expandedOneLevel(tree, allCollapsed(tree))
    expect([...top]).toEqual([...only(1, 4)])
    expect([...expandedOneLevel(tree, top)]).toEqual([...none])
    expect([...collapsedOneLevel(tree, none)]).toEqual([...only(1, 4)])
    expect([...collapsedOneLevel(tree, only(1, 4))]).toEqual([...only(0, 1, 4)])
  })
})
