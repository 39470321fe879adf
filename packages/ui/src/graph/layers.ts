/** The edges with those turned round that close a circle, seen from the nodes that nothing leads to. */
export function withoutCircles(
  count: number,
  edges: readonly (readonly [number, number])[],
): (readonly [number, number])[] {
  const out: number[][] = Array.from({ length: count }, () => [])
  const into = new Uint32Array(count)
  edges.forEach(([from, to], edge) => {
    out[from]!.push(edge)
    if (from !== to) into[to]!++
  })
  const starts = Array.from({ length: count }, (_, node) => node).sort((a, b) => into[a]! - into[b]!)
  /** 0: not seen, 1: on the way, 2: done. */
  const state = new Uint8Array(count)
  const turned = new Uint8Array(edges.length)
  for (const start of starts) {
    if (state[start] !== 0) continue
    const stack = [{ node: start, next: 0 }]
    state[start] = 1
    while (stack.length > 0) {
      const top = stack.at(-1)!
      const edge = out[top.node]![top.next++]
      if (edge === undefined) {
        state[top.node] = 2
        stack.pop()
        continue
      }
      const to = edges[edge]![1]
      if (state[to] === 1) turned[edge] = 1
      else if (state[to] === 0) {
        state[to] = 1
        stack.push({ node: to, next: 0 })
      }
    }
  }
  return edges.map(([from, to], edge) => (turned[edge] ? [to, from] : [from, to]))
}

/** Each node one layer beyond the furthest of those that lead to it; one that nothing leads to right before the first that it leads to. */
export function layersOf(count: number, edges: readonly (readonly [number, number])[]): Int32Array {
  const out: number[][] = Array.from({ length: count }, () => [])
  const waits = new Uint32Array(count)
  for (const [from, to] of edges) {
    if (from === to) continue
    out[from]!.push(to)
    waits[to]!++
  }
  const layer = new Int32Array(count)
  const first = Array.from({ length: count }, (_, node) => node).filter((node) => waits[node] === 0)
  const queue = [...first]
  for (const node of queue) {
    for (const to of out[node]!) {
      layer[to] = Math.max(layer[to]!, layer[node]! + 1)
      if (--waits[to]! === 0) queue.push(to)
    }
  }
  for (const node of first) {
    if (out[node]!.length > 0) layer[node] = Math.min(...out[node]!.map((to) => layer[to]!)) - 1
  }
  return layer
}
