import type { Dependencies, DependencyEdge } from '../../contract.ts'
import { Histogram } from '../../local/read/aggregate/histogram.ts'
import type { Query } from '../query.ts'
import { boundsSql } from '../sql/catalogue.ts'
import { callsSql, decodeCalls, linksSql, type Calls } from '../sql/dependencies.ts'

const SHARES = [0.5, 0.95, 0.99]
const EDGE_BYTES = 300
const DOING = 'counting calls'

interface Edge extends Pick<DependencyEdge, 'parent' | 'child' | 'kind'> {
  calls: number
  errors: number
  readonly durations: Histogram
}

/** Calls between services: the server finds a span's parent, and here they are counted. */
export async function dependencies(
  query: Query,
  table: string,
  from: bigint,
  to: bigint,
  links: boolean,
): Promise<Dependencies> {
  const { turn } = query
  const edges = new Map<string, Edge>()
  const add = ({ parent, child, isMessaging, isError, bin, calls }: Calls): void => {
    const kind = isMessaging ? 'messaging' : 'call'
    const key = JSON.stringify([parent, child, kind])
    let edge = edges.get(key)
    if (!edge) {
      if (!turn.reserve(EDGE_BYTES + 4 * key.length)) return
      edges.set(key, (edge = { parent, child, kind, calls: 0, errors: 0, durations: new Histogram(turn) }))
    }
    edge.calls += calls
    if (isError) edge.errors += calls
    edge.durations.add(bin, calls)
  }
  const [start, end] = [from < 0n ? 0n : from, to]
  const isEmpty = end <= start
  const [bounds] = await query.all(
    boundsSql(table),
    (row) => ({ spans: row.count(), first: row.uint64(), last: row.uint64() }),
    DOING,
  )
  const statements = isEmpty ? [] : [callsSql(table, start, end), ...(links ? [linksSql(table, start, end)] : [])]
  for (const statement of statements) {
    for await (const rows of query.rows(statement, decodeCalls, DOING)) {
      for (const row of rows) add(row)
      if (await turn.breathe()) break
    }
  }
  const { first = 0n, last = 0n } = bounds ?? {}
  const seconds = Number((last < to ? last + 1n : to) - (from > 0n ? from : first)) / 1e9
  // A query that is over by its timer is so by its turn.
  const isOver = (await turn.breathe()) || query.isOver
  return {
    edges: [...edges.values()].map((edge) => toEdge(edge, seconds)).sort(compare),
    complete: turn.complete && !isOver,
  }
}

function toEdge({ durations, ...edge }: Edge, seconds: number): DependencyEdge {
  const [p50Ns, p95Ns, p99Ns] = durations.percentiles(SHARES, edge.calls)
  return { ...edge, perSecond: edge.calls / seconds, p50Ns: p50Ns!, p95Ns: p95Ns!, p99Ns: p99Ns! }
}

function compare(a: DependencyEdge, b: DependencyEdge): number {
  if (a.parent !== b.parent) return a.parent < b.parent ? -1 : 1
  if (a.child !== b.child) return a.child < b.child ? -1 : 1
  return a.kind < b.kind ? -1 : 1
}
