import { type ServiceNode, serviceGraph, SpanFlag, type Trace } from '@spoor/trace'
import { formatCount } from '../format/numbers.ts'
import type { GraphEdge } from '../graph/graph-model.ts'
import type { LayoutRequest } from '../graph/layout-protocol.ts'

/** Above this number of spans the tree is folded to services. */
export const maxTreeSpans = 2000

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

/** A node a span. Calls go down; links between spans of the trace make it a graph. */
export function spanTree(trace: Trace): TreeGraph {
  const edges: GraphEdge[] = []
  for (let row = 0; row < trace.size; row++) {
    const parent = trace.parent[row]!
    if (parent >= 0) edges.push({ from: parent, to: row, style: trace.flags[row]! & SpanFlag.async ? 'async' : 'call' })
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

/** A node a service, with the calls between them. */
export function serviceTree(trace: Trace): TreeGraph {
  const graph = serviceGraph(trace)
  const place = new Map(graph.nodes.map((node, index) => [node.service, index]))
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
    }
  })
  return {
    layout: {
      kind: 'layers',
      count: graph.nodes.length,
      edges: edges.map((edge): [number, number] => [edge.from, edge.to]),
      spacing: { ...spacing, gapX: 40, gapY: 64 },
    },
    edges,
    services: graph.nodes,
    totalSelfNs: graph.nodes.reduce((sum, node) => sum + node.selfNs, 0),
    nodeOfRow: (row) => place.get(trace.service[row]!) ?? -1,
    rowOfNode: (node) => graph.nodes[node]?.row ?? -1,
  }
}
