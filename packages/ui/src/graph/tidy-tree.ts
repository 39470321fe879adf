/** Sizes and gaps of a layout, in pixels. */
export interface Spacing {
  readonly width: number
  readonly height: number
  /** Between neighbours on a level. */
  readonly gapX: number
  /** Between levels. */
  readonly gapY: number
}

/** Top left corners of nodes, in pixels. */
export interface Placement {
  readonly x: Float32Array
  readonly y: Float32Array
}

/**
 * Lays out a forest top-down: a parent stands over the middle of its children, children from left to right in the order of their rows, subtrees as close as
 * their outlines allow. Rows are in depth-first order, `parent` is -1 for a root.
 *
 *            ┌─┐
 *            └┬┘
 *        ┌────┴────┐
 *       ┌┴┐       ┌┴┐
 *       └─┘       └┬┘
 *               ┌──┴──┐
 *              ┌┴┐   ┌┴┐
 *
 * Each subtree has an outline: per level below its root, how far it reaches to the left and right of it. Source: Reingold and Tilford, "Tidier Drawings
 * of Trees", 1981.
 */
export function tidyTree(parent: ArrayLike<number>, spacing: Spacing): Placement {
  const size = parent.length
  const children: number[][] = Array.from({ length: size }, () => [])
  const roots: number[] = []
  for (let row = 0; row < size; row++) (parent[row]! < 0 ? roots : children[parent[row]!]!).push(row)

  const step = spacing.width + spacing.gapX
  const offset = new Float64Array(size)
  const outlines: (Outline | undefined)[] = Array.from({ length: size })
  for (let row = size - 1; row >= 0; row--) {
    const below = placeSideBySide(children[row]!, outlines, offset, step)
    const first = children[row]![0]
    const last = children[row]!.at(-1)
    const middle = first === undefined || last === undefined ? 0 : (offset[first]! + offset[last]!) / 2
    for (const child of children[row]!) offset[child]! -= middle
    outlines[row] = {
      left: [0, ...below.left.map((x) => x - middle)],
      right: [0, ...below.right.map((x) => x - middle)],
    }
    for (const child of children[row]!) outlines[child] = undefined
  }
  placeSideBySide(roots, outlines, offset, step)

  const x = new Float32Array(size)
  const y = new Float32Array(size)
  for (let row = 0; row < size; row++) {
    const above = parent[row]!
    x[row] = offset[row]! + (above < 0 ? 0 : x[above]!)
    y[row] = above < 0 ? 0 : y[above]! + spacing.height + spacing.gapY
  }
  return { x, y }
}

interface Outline {
  readonly left: readonly number[]
  readonly right: readonly number[]
}

/** Puts subtrees next to each other, sets each root's offset from the first, and gives the outline of them all. */
function placeSideBySide(
  rows: readonly number[],
  outlines: readonly (Outline | undefined)[],
  offset: Float64Array,
  step: number,
): Outline {
  const left: number[] = []
  const right: number[] = []
  for (const row of rows) {
    const own = outlines[row]!
    let shift = 0
    for (let level = 0; level < Math.min(own.left.length, right.length); level++) {
      shift = Math.max(shift, right[level]! - own.left[level]! + step)
    }
    offset[row] = shift
    own.left.forEach((x, level) => {
      if (level >= left.length) left.push(x + shift)
    })
    own.right.forEach((x, level) => {
      right[level] = x + shift
    })
  }
  return { left, right }
}
