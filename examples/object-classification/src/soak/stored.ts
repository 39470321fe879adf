/** The traces that Spoor has of a time. */
import type { SearchResponse } from 'spoor/api'
import type { Stored } from './judge.ts'

const PAGE = 1000
const NS_A_MS = 1_000_000

/** All with a span at that time, ms since 1970. @param page Spoor's page. @throws When Spoor does not answer. */
export async function storedTraces(page: string, from: number, to: number): Promise<Stored[]> {
  const all = new Map<string, Stored>()
  let cursor: string | undefined
  do {
    const query = new URLSearchParams({ limit: String(PAGE), matches: '0' })
    query.set('from', String(BigInt(Math.floor(from)) * BigInt(NS_A_MS)))
    query.set('to', String(BigInt(Math.ceil(to)) * BigInt(NS_A_MS)))
    if (cursor !== undefined) query.set('cursor', cursor)
    const response = await fetch(`${page}/api/spoor/v1/search?${query.toString()}`)
    if (!response.ok) throw new Error(`Spoor answers ${response.status}: ${(await response.text()).slice(0, 200)}`)
    const { traces, next } = (await response.json()) as SearchResponse
    for (const { traceId, start, durationNs, rootService, rootName, orphans, services } of traces) {
      const begin = Number(BigInt(start) / 1000n) / 1000
      const names = services.map(({ name }) => name)
      const about = { traceId, rootService, rootName, orphans, services: names }
      all.set(traceId, { ...about, from: begin, to: begin + durationNs / NS_A_MS })
    }
    cursor = next
  } while (cursor !== undefined)
  return [...all.values()]
}
