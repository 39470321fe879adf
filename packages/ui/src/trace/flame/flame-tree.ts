import type { Trace } from '@spoor/trace'

/**
 * A trace folded to its call paths: spans of one service and name below spans of the same are one node. A node is as wide as the self time of all spans
 * in it and below it, so children never stick out of their parents, however much ran side by side. Parents come before their children.
 */
export interface FlameTree {
  readonly size: number
  /** Node of the parent, -1 at the top. */
  readonly parent: Int32Array
  readonly depth: Uint16Array
  /** Where it begins, and how wide it is: nanoseconds of self time. */
  readonly from: Float64Array
  readonly width: Float64Array
  readonly spans: Uint32Array
  readonly errors: Uint32Array
  /** The longest span in it. */
  readonly row: Uint32Array
  readonly nodeOfRow: Uint32Array
  /** Of all together; at least 1. */
  readonly totalNs: number
  readonly levels: number
}

/** Linear in the spans. */
export function flameTree(trace: Trace): FlameTree {
  const { size, parent: parentRow, service, name, selfNs, durationsNs, status } = trace
  const parent = new Int32Array(size)
  const depth = new Uint16Array(size)
  const width = new Float64Array(size)
  const spans = new Uint32Array(size)
  const errors = new Uint32Array(size)
  const longest = new Uint32Array(size)
  const nodeOfRow = new Uint32Array(size)
  const operations = new Map<number, number>()
  const nodes = new Map<number, number>()
  let levels = 0
  for (let row = 0; row < size; row++) {
    const above = parentRow[row]!
    const over = above < 0 ? -1 : nodeOfRow[above]!
    const pair = service[row]! * trace.names.length + name[row]!
    let operation = operations.get(pair)
    if (operation === undefined) operations.set(pair, (operation = operations.size))
    // Both are below 2^26 in any trace that fits into memory: exact as a number.
    const key = (over + 1) * 2 ** 26 + operation
    let node = nodes.get(key)
    if (node === undefined) {
      nodes.set(key, (node = nodes.size))
      parent[node] = over
      depth[node] = over < 0 ? 0 : depth[over]! + 1
      levels = Math.max(levels, depth[node]! + 1)
      longest[node] = row
    }
    nodeOfRow[row] = node
    width[node]! += selfNs[row]!
    spans[node]!++
    if (status[row] === 2) errors[node]!++
    if (durationsNs[row]! > durationsNs[longest[node]!]!) longest[node] = row
  }
  const count = nodes.size
  for (let node = count - 1; node >= 0; node--) if (parent[node]! >= 0) width[parent[node]!]! += width[node]!
  const from = new Float64Array(count)
  const next = new Float64Array(count)
  let totalNs = 0
  for (let node = 0; node < count; node++) {
    const over = parent[node]!
    from[node] = over < 0 ? totalNs : next[over]!
    if (over < 0) totalNs += width[node]!
    else next[over]! += width[node]!
    next[node] = from[node]!
  }
  return {
    size: count,
    parent: parent.slice(0, count),
    depth: depth.slice(0, count),
    from,
    width: width.slice(0, count),
    spans: spans.slice(0, count),
    errors: errors.slice(0, count),
    row: longest.slice(0, count),
    nodeOfRow,
    totalNs: Math.max(1, totalNs),
    levels,
  }
}

/** The node at a depth and a place; -1 where none is. */
export function nodeAt(tree: FlameTree, depth: number, ns: number): number {
  for (let node = 0; node < tree.size; node++) {
    if (tree.depth[node] === depth && ns >= tree.from[node]! && ns < tree.from[node]! + tree.width[node]!) return node
  }
  return -1
}
