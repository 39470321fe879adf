import type { AggregateResponse, SearchResponse } from 'spoor/api'
import { getJson } from '../../api/client.ts'
import { quote } from '../../search/search-url.ts'
import type { LoadedTrace } from '../loaded-trace.ts'

/** How far before and after a trace one that is as usual is looked for. Nanoseconds. */
const reachNs = 3_600_000_000_000n

/** How far from the median a request may be that stands for it. */
const tolerance = 0.1

/** The id of a trace of the same root operation whose request took about as long as the median of an hour around. Undefined: there is no other. */
export async function typicalTrace({ trace, verdict }: LoadedTrace, signal: AbortSignal): Promise<string | undefined> {
  const service = trace.services[trace.service[verdict.root]!]!
  const name = trace.names[trace.name[verdict.root]!]!
  const q = `root.service:${quote(service)} root.name:${quote(name)}`
  const scope = { from: String(trace.start - reachNs), to: String(trace.start + reachNs) }
  const asked = { ...scope, q, of: 'requests', percentiles: '0.5' }
  const { total } = await getJson<AggregateResponse>('aggregate', asked, signal)
  const [median = 0] = total.percentilesNs
  const near = (factor: number) => `${Math.round(median * factor)}ns`
  const bounds = `trace.request>=${near(1 - tolerance)} trace.request<=${near(1 + tolerance)}`
  const found = await getJson<SearchResponse>('search', { ...scope, q: `${q} ${bounds}`, limit: 2 }, signal)
  return found.traces.find(({ traceId }) => traceId !== trace.traceId)?.traceId
}
