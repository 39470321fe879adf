import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeTraces, type ResourceSpans } from '@spoor/otlp'
import { collectSearch, type Filter, type SearchQuery, type TraceStore } from '../contract.ts'
import type { SentSpan } from './spans.ts'

/** Opens the engine under test on a directory of its own; a second call with the same directory finds what was stored. */
export type OpenStore = (directory: string) => Promise<TraceStore>

/** Runs `test` on a fresh store and cleans up. */
export async function withStore(
  open: OpenStore,
  test: (store: TraceStore, directory: string) => Promise<void>,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'spoor-store-'))
  const store = await open(directory)
  try {
    await test(store, directory)
  } finally {
    await store.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

/** All spans of a trace, in the order in which the store gives them. */
export async function spansOf(store: TraceStore, id: string): Promise<SentSpan[]> {
  const spans: SentSpan[] = []
  for await (const chunk of store.trace(id)) spans.push(...decodeTraces(chunk).resourceSpans.flatMap(flatten))
  return spans
}

function flatten({ resource, scopeSpans }: ResourceSpans): SentSpan[] {
  return scopeSpans.flatMap(({ scope, spans }) => spans.map((span) => ({ resource, scope, span })))
}

/** Trace ids that a search finds, page after page. */
export async function find(store: TraceStore, query: SearchQuery): Promise<string[]> {
  const ids: string[] = []
  let cursor: string | undefined
  do {
    const page = await collectSearch(
      store.search({ limit: 1000, ...query, ...(cursor === undefined ? {} : { cursor }) }),
    )
    ids.push(...page.traces.map((trace) => trace.traceId))
    cursor = page.next
  } while (cursor !== undefined)
  return ids
}

export async function findBy(store: TraceStore, filter: Filter): Promise<string[]> {
  return (await find(store, { filter })).sort()
}
