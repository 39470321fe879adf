/** Where the nodes of a flame graph lie. Parents come before their children; times are nanoseconds. */
export interface FlameShape {
  readonly size: number
  /** Node of the parent, -1 at the top. */
  readonly parent: Int32Array
  readonly depth: Uint16Array
  /** Where it begins, and how wide it is. */
  readonly from: Float64Array
  readonly width: Float64Array
  /** How much of the width is its own measure; the rest is there for its children to fit in. */
  readonly solid: Float64Array
  /** Of all together; at least 1. */
  readonly totalNs: number
  readonly levels: number
}

/**
 * Lays nodes out, children side by side within their parents, in their order.
 *
 * - `sum`: `ownNs` is what a node has without its children; it is as wide as that and all below it.
 * - `fit`: `ownNs` is what it has with them; it is as wide as that, or as its children where they have more, as those do that ran beside each other.
 *
 * ```
 *   ┌ parent ──────────────────┬╌╌╌╌╌╌╌╌┐   fit: ╌ is not solid
 *   ├ child ────────┬ child ────────────┤
 * ```
 */
export function flameShape(parent: Int32Array, ownNs: Float64Array, by: 'sum' | 'fit'): FlameShape {
  const size = parent.length
  const depth = new Uint16Array(size)
  const below = new Float64Array(size)
  const width = new Float64Array(size)
  for (let node = size - 1; node >= 0; node--) {
    width[node] = by === 'sum' ? ownNs[node]! + below[node]! : Math.max(ownNs[node]!, below[node]!)
    if (parent[node]! >= 0) below[parent[node]!]! += width[node]!
  }
  const from = new Float64Array(size)
  const next = new Float64Array(size)
  let totalNs = 0
  let levels = 0
  for (let node = 0; node < size; node++) {
    const over = parent[node]!
    depth[node] = over < 0 ? 0 : depth[over]! + 1
    levels = Math.max(levels, depth[node]! + 1)
    from[node] = over < 0 ? totalNs : next[over]!
    if (over < 0) totalNs += width[node]!
    else next[over]! += width[node]!
    next[node] = from[node]!
  }
  return {
    size,
    parent,
    depth,
    from,
    width,
    solid: by === 'sum' ? width : ownNs,
    totalNs: Math.max(1, totalNs),
    levels,
  }
}

/** The node at a depth and a place; -1 where none is. */
export function nodeAt(shape: FlameShape, depth: number, ns: number): number {
  for (let node = 0; node < shape.size; node++) {
    if (shape.depth[node] === depth && ns >= shape.from[node]! && ns < shape.from[node]! + shape.width[node]!)
      return node
  }
  return -1
}

/** What is in view when a node fills the width: where it begins, and how much. -1, and what has no width: all. */
export function viewOf(shape: FlameShape, focus: number): { readonly fromNs: number; readonly wideNs: number } {
  if (focus < 0 || shape.width[focus] === 0) return { fromNs: 0, wideNs: shape.totalNs }
  return { fromNs: shape.from[focus]!, wideNs: shape.width[focus]! }
}

/** Where an arrow key leads from a node (-1: from none) among those in view; the node itself where there is none on that side. */
export function neighbour(shape: FlameShape, node: number, focus: number, key: string): number {
  const { fromNs, wideNs } = viewOf(shape, focus)
  const { parent, depth, from, width } = shape
  const isSeen = (other: number) =>
    width[other]! > 0 && from[other]! < fromNs + wideNs && from[other]! + width[other]! > fromNs
  const first = (isWanted: (other: number) => boolean) => {
    let best = -1
    for (let other = 0; other < shape.size; other++) {
      if (isWanted(other) && isSeen(other) && (best < 0 || from[other]! < from[best]!)) best = other
    }
    return best < 0 ? node : best
  }
  if (node < 0) return first((other) => parent[other]! < 0)
  if (key === 'ArrowUp') return parent[node]! < 0 ? node : parent[node]!
  if (key === 'ArrowDown') return first((other) => parent[other] === node)
  if (key === 'ArrowRight') return first((other) => depth[other] === depth[node] && from[other]! > from[node]!)
  let before = node
  for (let other = 0; other < shape.size; other++) {
    const isLeft = depth[other] === depth[node] && isSeen(other) && from[other]! < from[node]!
    if (isLeft && (before === node || from[other]! > from[before]!)) before = other
  }
  return before
}
