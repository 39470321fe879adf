import { type ServiceNode, serviceGraph, SpanFlag, type Trace } from '@spoor/trace'
import { formatCount } from '../format/numbers.ts'
import type { GraphEdge } from '../graph/graph-model.ts'
import type { LayoutRequest } from '../graph/layout-protocol.ts'
import type { CriticalRows } from '../trace/loaded-trace.ts'

/** Above this number of spans the tree is folded to services. */
export const maxTreeSpans = 20_000

/** Pixels. */
export const spacing = { width: 208, height: 60, gapX: 16, gapY: 32 }

export interface TreeGraph {
  readonly layout: LayoutRequest
  readonly edges: readonly GraphEdge[]
  /** The nodes when they are services; undefined when node and row are the same. */
  readonly services: readonly ServiceNode[] | undefined
  /** Sum over the services, nanoseconds; 0 when nodes are spans. */
  readonly totalSelfNs: number
  readonly nodeOfRow: (row: number) => number
  readonly rowOfNode: (node: number) => number
}

/** What the request waited for in a row. Nanoseconds. */
export function criticalNs({ offsets, startNs, endNs }: CriticalRows, row: number): number {
  let sum = 0
  for (let index = offsets[row]!; index < offsets[row + 1]!; index++) sum += endNs[index]! - startNs[index]!
  return sum
}

/** A node a span. Calls go down, those that the request waited for first of all; links between spans of the trace make it a graph. */
export function spanTree(trace: Trace, critical: CriticalRows): TreeGraph {
  const edges: GraphEdge[] = []
  const waited = waitedIn(trace, critical)
  for (let row = 0; row < trace.size; row++) {
    const parent = trace.parent[row]!
    if (parent < 0) continue
    const style = trace.flags[row]! & SpanFlag.async ? 'async' : 'call'
    edges.push({ from: parent, to: row, style, ...(waited[row] && { isCritical: true }) })
  }
  // A link points from the later span to what it follows; the edge is drawn the way that the work went.
  for (let index = 0; index < trace.innerLinks.length; index += 2) {
    edges.push({ from: trace.innerLinks[index + 1]!, to: trace.innerLinks[index]!, style: 'link' })
  }
  return {
    layout: { kind: 'tree', parent: trace.parent.slice(0, trace.size), spacing },
    edges,
    services: undefined,
    totalSelfNs: 0,
    nodeOfRow: (row) => row,
    rowOfNode: (node) => node,
  }
}

/** 1 for each row in which, or below which, the request waited. */
function waitedIn(trace: Trace, { offsets }: CriticalRows): Uint8Array {
  const waited = new Uint8Array(trace.size)
  for (let row = trace.size - 1; row >= 0; row--) {
    if (offsets[row + 1]! > offsets[row]!) waited[row] = 1
    const parent = trace.parent[row]!
    if (waited[row] && parent >= 0) waited[parent] = 1
  }
  return waited
}

/** A node a service, with the calls between them. */
export function serviceTree(trace: Trace): TreeGraph {
  const graph = serviceGraph(trace)
  const place = new Map(graph.nodes.map((node, index) => [node.service, index]))
  const most = Math.max(1, ...graph.edges.map(({ count }) => count))
  const edges = graph.edges.map((edge): GraphEdge => {
    const [from, to] = edge.kind === 'link' ? [edge.to, edge.from] : [edge.from, edge.to]
    const style = edge.kind === 'link' ? 'link' : edge.async === edge.count ? 'async' : 'call'
    const errors = edge.errors > 0 ? `, ${formatCount(edge.errors)} failed` : ''
    return {
      from: place.get(from)!,
      to: place.get(to)!,
      style,
      label: `${formatCount(edge.count)}${errors}`,
      failed: edge.errors > 0,
      hasErrors: edge.errors > 0,
      weight: Math.log(1 + edge.count) / Math.log(1 + most),
    }
  })
  return {
    layout: {
      kind: 'layers',
      count: graph.nodes.length,
      edges: edges.map((edge): [number, number] => [edge.from, edge.to]),
      spacing: { ...spacing, gapX: 64, gapY: 20 },
    },
    edges,
    services: graph.nodes,
    totalSelfNs: graph.nodes.reduce((sum, node) => sum + node.selfNs, 0),
    nodeOfRow: (row) => place.get(trace.service[row]!) ?? -1,
    rowOfNode: (node) => graph.nodes[node]?.row ?? -1,
  }
}
