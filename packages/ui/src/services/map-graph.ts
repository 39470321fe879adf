import type { DependenciesResponse } from 'spoor/api'
import { formatCount } from '../format/numbers.ts'
import type { GraphEdge } from '../graph/graph-model.ts'
import type { LayoutRequest } from '../graph/layout-protocol.ts'

/** Pixels. */
export const spacing = { width: 196, height: 44, gapX: 56, gapY: 14 }

/** Services that a map shows before the others are folded: more cannot be read at once. */
export const mostServices = 60

export interface DependencyGraph {
  readonly services: readonly DependencyNode[]
  readonly edges: readonly GraphEdge[]
  readonly layout: LayoutRequest
  /** Where a service is, alone or folded with others; -1: it is not shown. */
  readonly placeOf: (service: string) => number
}

export interface DependencyNode {
  readonly name: string
  /** Calls that came to it from other services, and those that failed. */
  readonly calls: number
  readonly errors: number
  readonly perSecond: number
  /** The greatest of its edges'. Nanoseconds. */
  readonly p95Ns: number
  /** Services that it calls or that call it, and that are not shown. */
  readonly hidden: number
  /** How many services are folded in it; 0: it is one itself. */
  readonly folded: number
}

export interface MapFocus {
  /** Only this service, and those that call it or that it calls. */
  readonly around?: string | undefined
  /** The services with the fewest calls are folded into one where there are more than {@link mostServices}. */
  readonly folds: boolean
}

type Calls = Omit<DependenciesResponse['edges'][number], 'p50Ns' | 'p99Ns'>

/** The share of failed calls from which an edge is red. */
const failingShare = 0.05

/** The name of the node of those that are folded; no service is called that. */
const foldedName = '\n'

/** The calls between services as a graph, one edge for each two: services in the order in which the edges name them. */
export function dependencyGraph(
  calls: readonly Calls[],
  { around, folds }: MapFocus = { folds: true },
): DependencyGraph {
  const kept = around === undefined ? undefined : neighboursOf(calls, around)
  const shownCalls = kept ? calls.filter(({ parent, child }) => kept.has(parent) && kept.has(child)) : calls
  const folded = folds ? leastCalled(shownCalls) : new Set<string>()
  const nameOf = (service: string) => (folded.has(service) ? foldedName : service)
  const named = shownCalls.map((edge) => ({ ...edge, parent: nameOf(edge.parent), child: nameOf(edge.child) }))
  const edges = [...Map.groupBy(named, ({ parent, child }) => JSON.stringify([parent, child])).values()].map((all) => ({
    ...all[0]!,
    ...sumOf(all),
    isMessaging: all.every(({ kind }) => kind === 'messaging'),
  }))
  const names = [...new Set(edges.flatMap((edge) => [edge.parent, edge.child]))]
  const place = new Map(names.map((name, index) => [name, index]))
  const most = Math.max(1, ...edges.map((edge) => edge.calls))
  const graphEdges = edges.map((edge): GraphEdge => {
    return {
      from: place.get(edge.parent)!,
      to: place.get(edge.child)!,
      style: edge.isMessaging ? 'async' : 'call',
      label: formatCount(edge.calls),
      failed: edge.errors >= edge.calls * failingShare,
      hasErrors: edge.errors > 0,
      weight: Math.sqrt(edge.calls / most),
    }
  })
  // What is told of a service is of all that comes to it, shown or not.
  const byChild = Map.groupBy(calls, ({ child }) => nameOf(child))
  const partners = partnersOf(calls)
  const shown = new Set([...names, ...folded])
  return {
    services: names.map((name) => ({
      name: name === foldedName ? `${formatCount(folded.size)} more` : name,
      ...sumOf(byChild.get(name) ?? []),
      hidden: kept ? [...(partners.get(name) ?? [])].filter((other) => !shown.has(other)).length : 0,
      folded: name === foldedName ? folded.size : 0,
    })),
    edges: graphEdges,
    placeOf: (service) => place.get(nameOf(service)) ?? -1,
    layout: {
      kind: 'layers',
      count: names.length,
      edges: graphEdges.map((edge): [number, number] => [edge.from, edge.to]),
      spacing,
    },
  }
}

/** How many services there are. */
export function serviceCount(calls: readonly Pick<Calls, 'parent' | 'child'>[]): number {
  return partnersOf(calls).size
}

function partnersOf(calls: readonly Pick<Calls, 'parent' | 'child'>[]): Map<string, Set<string>> {
  const partners = new Map<string, Set<string>>()
  const of = (name: string) => partners.get(name) ?? partners.set(name, new Set()).get(name)!
  for (const { parent, child } of calls) {
    of(parent).add(child)
    of(child).add(parent)
  }
  return partners
}

function neighboursOf(calls: readonly Calls[], service: string): ReadonlySet<string> {
  return new Set([service, ...(partnersOf(calls).get(service) ?? [])])
}

/** All but the services with the most calls, to and from them; none where there are not too many. */
function leastCalled(calls: readonly Calls[]): ReadonlySet<string> {
  const sums = new Map<string, number>()
  for (const { parent, child, calls: count } of calls) {
    for (const name of [parent, child]) sums.set(name, (sums.get(name) ?? 0) + count)
  }
  if (sums.size <= mostServices) return new Set()
  const names = [...sums.keys()].sort((a, b) => sums.get(b)! - sums.get(a)! || (a < b ? -1 : 1))
  return new Set(names.slice(mostServices))
}

function sumOf(edges: readonly Omit<Calls, 'kind'>[]): Omit<DependencyNode, 'name' | 'hidden' | 'folded'> {
  const sum = (of: 'calls' | 'errors' | 'perSecond') => edges.reduce((total, edge) => total + edge[of], 0)
  return {
    calls: sum('calls'),
    errors: sum('errors'),
    perSecond: sum('perSecond'),
    p95Ns: Math.max(0, ...edges.map(({ p95Ns }) => p95Ns)),
  }
}
