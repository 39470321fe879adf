import type { Trace } from '@spoor/trace'
import { type FlameShape, flameShape } from '../../flame/flame-shape.ts'

/**
 * A trace folded to its call paths: spans of one service and name below spans of the same are one node. A node is as wide as the self time of all spans
 * in it and below it, so children never stick out of their parents, however much ran side by side.
 */
export interface FlameTree extends FlameShape {
  readonly spans: Uint32Array
  readonly errors: Uint32Array
  /** The longest span in it. */
  readonly row: Uint32Array
  readonly nodeOfRow: Uint32Array
}

/** Linear in the spans. */
export function flameTree(trace: Trace): FlameTree {
  const { size, parent: parentRow, service, name, selfNs, durationsNs, status } = trace
  const parent = new Int32Array(size)
  const ownNs = new Float64Array(size)
  const spans = new Uint32Array(size)
  const errors = new Uint32Array(size)
  const longest = new Uint32Array(size)
  const nodeOfRow = new Uint32Array(size)
  const operations = new Map<number, number>()
  const nodes = new Map<number, number>()
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
      longest[node] = row
    }
    nodeOfRow[row] = node
    ownNs[node]! += selfNs[row]!
    spans[node]!++
    if (status[row] === 2) errors[node]!++
    if (durationsNs[row]! > durationsNs[longest[node]!]!) longest[node] = row
  }
  const count = nodes.size
  return {
    ...flameShape(parent.slice(0, count), ownNs.slice(0, count), 'sum'),
    spans: spans.slice(0, count),
    errors: errors.slice(0, count),
    row: longest.slice(0, count),
    nodeOfRow,
  }
}
