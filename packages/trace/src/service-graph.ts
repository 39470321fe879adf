import { SpanFlag, type Trace } from './model.ts'

const ERROR = 2

/** A trace folded to its services. */
export interface ServiceGraph {
  /** In the order in which the services first appear in the rows, so that callers stand before those that they call. */
  readonly nodes: readonly ServiceNode[]
  /** In the order of their first call. Calls within a service are counted in its node and have no edge. */
  readonly edges: readonly ServiceEdge[]
}

export interface ServiceNode {
  /** Index into the trace's `services`. */
  readonly service: number
  readonly spans: number
  /** Spans with status error. */
  readonly errors: number
  /** Sum of the spans' self times, nanoseconds; may be more than the trace's duration, as spans run side by side. */
  readonly selfNs: number
  /** Start of the first and end of the last span, offsets from the trace's start in nanoseconds. */
  readonly startNs: number
  readonly endNs: number
  /** First row of the service. */
  readonly row: number
}

export interface ServiceEdge {
  /** Indexes into the trace's `services`. */
  readonly from: number
  readonly to: number
  /** `call`: parent to child. `link`: from the linking span to the one that it names. */
  readonly kind: 'call' | 'link'
  /** Number of spans of `to` whose parent is a span of `from`; for links, their number. */
  readonly count: number
  /** Those of them with status error. */
  readonly errors: number
  /** Those of them that ran on after their parent's end. */
  readonly async: number
  /** Sum of their durations, nanoseconds. */
  readonly durationNs: number
  /** Row of the first called span; for links, of the linking one. */
  readonly row: number
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/**
 * Folds spans to services with their calls, errors and durations. The graph may have cycles: services call each other
 * back.
 */
export function serviceGraph(trace: Trace): ServiceGraph {
  const nodes = new Map<number, Mutable<ServiceNode>>()
  const edges = new Map<string, Mutable<ServiceEdge>>()
  const { service, parent, status, startNs, durationsNs, selfNs, flags, innerLinks } = trace

  function edge(from: number, to: number, kind: ServiceEdge['kind'], row: number): Mutable<ServiceEdge> {
    const key = `${kind} ${from} ${to}`
    let found = edges.get(key)
    if (!found) edges.set(key, (found = { from, to, kind, count: 0, errors: 0, async: 0, durationNs: 0, row }))
    return found
  }

  for (let row = 0; row < trace.size; row++) {
    const own = service[row]!
    const start = startNs[row]!
    const end = start + durationsNs[row]!
    const failed = status[row] === ERROR ? 1 : 0
    let node = nodes.get(own)
    if (!node)
      nodes.set(own, (node = { service: own, spans: 0, errors: 0, selfNs: 0, startNs: start, endNs: end, row }))
    node.spans++
    node.errors += failed
    node.selfNs += selfNs[row]!
    node.startNs = Math.min(node.startNs, start)
    node.endNs = Math.max(node.endNs, end)
    const above = parent[row]!
    if (above === -1 || service[above] === own) continue
    const call = edge(service[above]!, own, 'call', row)
    call.count++
    call.errors += failed
    call.durationNs += durationsNs[row]!
    if (flags[row]! & SpanFlag.async) call.async++
  }
  for (let i = 0; i < innerLinks.length; i += 2) {
    const from = innerLinks[i]!
    const to = innerLinks[i + 1]!
    if (service[from] !== service[to]) edge(service[from]!, service[to]!, 'link', from).count++
  }
  return { nodes: [...nodes.values()], edges: [...edges.values()] }
}
