import type { Trace } from '@spoor/trace'

type Tree = Pick<Trace, 'size' | 'parent' | 'depth' | 'subtreeEnd' | 'childCount'>

/** Rows that are not inside a collapsed subtree, ascending. `collapsed` has a 1 for each collapsed row. */
export function visibleRows(tree: Tree, collapsed: Uint8Array): Uint32Array {
  const rows = new Uint32Array(tree.size)
  let count = 0
  for (let row = 0; row < tree.size;) {
    rows[count++] = row
    row = collapsed[row] ? tree.subtreeEnd[row]! : row + 1
  }
  return rows.slice(0, count)
}

/** Where a row stands among ascending rows; when it is hidden, where its nearest shown ancestor stands; -1 when there are none. */
export function indexOfRow(rows: Uint32Array, row: number): number {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (rows[middle]! <= row) low = middle + 1
    else high = middle
  }
  return low - 1
}

/** `collapsed` with all ancestors of the row opened; the same array when they were. */
export function revealed(tree: Tree, collapsed: Uint8Array, row: number): Uint8Array {
  let result = collapsed
  for (let above = tree.parent[row]!; above >= 0; above = tree.parent[above]!) {
    if (!result[above]) continue
    if (result === collapsed) result = collapsed.slice()
    result[above] = 0
  }
  return result
}

export function allCollapsed(tree: Tree): Uint8Array {
  return Uint8Array.from(tree.childCount, (count) => (count > 0 ? 1 : 0))
}

/** Opens the collapsed rows of the least depth that has any in sight. */
export function expandedOneLevel(tree: Tree, collapsed: Uint8Array): Uint8Array {
  const inSight = [...visibleRows(tree, collapsed)].filter((row) => collapsed[row])
  return withLevel(tree, collapsed, inSight, Math.min, 0)
}

/** Collapses the open parents of the greatest depth that has any in sight. */
export function collapsedOneLevel(tree: Tree, collapsed: Uint8Array): Uint8Array {
  const inSight = [...visibleRows(tree, collapsed)].filter((row) => !collapsed[row] && tree.childCount[row]! > 0)
  return withLevel(tree, collapsed, inSight, Math.max, 1)
}

function withLevel(
  tree: Tree,
  collapsed: Uint8Array,
  rows: readonly number[],
  pick: (a: number, b: number) => number,
  value: 0 | 1,
): Uint8Array {
  if (rows.length === 0) return collapsed
  const level = rows.reduce((depth, row) => pick(depth, tree.depth[row]!), tree.depth[rows[0]!]!)
  const result = collapsed.slice()
  for (const row of rows) if (tree.depth[row] === level) result[row] = value
  return result
}
