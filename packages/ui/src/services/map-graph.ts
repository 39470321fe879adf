import type { DependenciesResponse } from 'spoor/api'
import { formatCount } from '../format/numbers.ts'
import type { GraphEdge } from '../graph/graph-model.ts'
import type { LayoutRequest } from '../graph/layout-protocol.ts'

/** Pixels. */
export const spacing = { width: 200, height: 52, gapX: 40, gapY: 72 }

export interface DependencyGraph {
  readonly services: readonly DependencyNode[]
  readonly edges: readonly GraphEdge[]
  readonly layout: LayoutRequest
}

export interface DependencyNode {
  readonly name: string
  /** Calls that came to it from other services, and those that failed. */
  readonly calls: number
  readonly errors: number
  readonly perSecond: number
  /** The greatest of its edges'. Nanoseconds. */
  readonly p95Ns: number
}

type Calls = Omit<DependenciesResponse['edges'][number], 'p50Ns' | 'p99Ns'>

/** The calls between services as a graph, one edge for each two: services in the order in which the edges name them. */
export function dependencyGraph(calls: readonly Calls[]): DependencyGraph {
  const edges = [...Map.groupBy(calls, ({ parent, child }) => JSON.stringify([parent, child])).values()].map((all) => ({
    ...all[0]!,
    ...sumOf(all),
    isMessaging: all.every(({ kind }) => kind === 'messaging'),
  }))
  const names = [...new Set(edges.flatMap((edge) => [edge.parent, edge.child]))]
  const place = new Map(names.map((name, index) => [name, index]))
  const graphEdges = edges.map((edge): GraphEdge => {
    const errors = edge.errors > 0 ? `, ${formatCount(edge.errors)} failed` : ''
    return {
      from: place.get(edge.parent)!,
      to: place.get(edge.child)!,
      style: edge.isMessaging ? 'async' : 'call',
      label: `${formatCount(edge.calls)}${errors}`,
      failed: edge.errors > 0,
    }
  })
  return {
    services: names.map((name) => ({ name, ...sumOf(edges.filter(({ child }) => child === name)) })),
    edges: graphEdges,
    layout: {
      kind: 'layers',
      count: names.length,
      edges: graphEdges.map((edge): [number, number] => [edge.from, edge.to]),
      spacing,
    },
  }
}

function sumOf(edges: readonly Omit<Calls, 'kind'>[]): Omit<DependencyNode, 'name'> {
  const sum = (of: 'calls' | 'errors' | 'perSecond') => edges.reduce((total, edge) => total + edge[of], 0)
  return {
    calls: sum('calls'),
    errors: sum('errors'),
    perSecond: sum('perSecond'),
    p95Ns: Math.max(0, ...edges.map(({ p95Ns }) => p95Ns)),
  }
}
