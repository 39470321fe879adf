import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createBatch } from '@spoor/otlp'
import * as fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import { arbitrarySpan } from '../../conformance/arbitrary.ts'
import { find } from '../../conformance/harness.ts'
import { arbitrarySearch, arbitraryTraces } from '../../conformance/set-arbitrary.ts'
import { arbitraryCalls } from '../../conformance/dependency-model.ts'
import { requestOf } from '../../conformance/spans.ts'
import { collectSearch, type SearchQuery, type TraceStore, type TraceSummary } from '../../contract.ts'
import { BlockBuilder } from '../block/builder.ts'
import { SpanDigest } from '../files/digest.ts'
import { createRandom, requestsOf } from '../sealed/arbitrary.test.helper.ts'
import { openInSameThread } from '../threads/same-thread.test.helper.ts'
import { sealAll } from '../tools/store.test.helper.ts'

/*
 * A store answers the same before and after its segments are sealed: all of them, or but the last ones, which have late spans of traces that are sealed.
 */

vi.setConfig({ testTimeout: 300_000 })

const SEEDS = process.env['SPOOR_SEED'] ? [Number(process.env['SPOOR_SEED'])] : [1]
const SEARCHES = 50

/** 0: the store does not take them. */
function spansIn(request: Uint8Array): number {
  try {
    return new BlockBuilder(16).add(request)
  } catch {
    return 0
  }
}

/** Traces that are broken, sent twice or mixed with one another; spans that nothing ties together; and requests as no encoder writes them. */
function requestsFor(seed: number): Uint8Array[] {
  const random = createRandom(seed)
  const spans = [
    ...fc.sample(arbitraryTraces, { seed, numRuns: 2 }).flat(),
    ...fc.sample(arbitrarySpan, { seed, numRuns: 150 }),
  ]
  const requests = [0, 1, 8].flatMap((oddity) => requestsOf({ seed, requests: 10, oddity }))
  while (spans.length > 0) requests.push(requestOf(spans.splice(0, 1 + random(12))))
  for (let i = requests.length - 1; i > 0; i--) {
    const other = random(i + 1)
    ;[requests[i], requests[other]] = [requests[other]!, requests[i]!]
  }
  return requests.filter((request) => spansIn(request) > 0)
}

async function fill(directory: string, requests: readonly Uint8Array[]): Promise<void> {
  const store = await openInSameThread({ directory, seal: false, segmentBytes: 12_000, blockSpans: 16 })
  for (const bytes of requests) await store.append(createBatch('traces', [{ bytes, items: spansIn(bytes) }]))
  await store.close()
}

/** All pages of a search. */
async function tracesOf(store: TraceStore, query: SearchQuery): Promise<TraceSummary[]> {
  const traces: TraceSummary[] = []
  let cursor: string | undefined
  do {
    const page = await collectSearch(store.search({ ...query, ...(cursor !== undefined && { cursor }) }))
    expect(page.complete).toBe(true)
    traces.push(...page.traces)
    cursor = page.next
  } while (cursor !== undefined)
  return traces
}

/** What a store says without being searched; each of its traces with every byte of each of its spans. */
async function contentsOf(store: TraceStore, ids: readonly string[]): Promise<object> {
  const traces: object[] = []
  for (const id of ids) {
    const digest = new SpanDigest()
    for await (const chunk of store.trace(id)) digest.add(chunk)
    traces.push({ id, spans: digest.spans, digest: digest.value })
  }
  const keys = await store.attributeKeys(1_000)
  const values: Record<string, string[]> = {}
  for (const key of keys) values[key] = (await store.attributeValues(key, 1_000)).sort()
  return {
    traces,
    services: await store.services(),
    operations: await store.operations(undefined),
    keys: keys.sort(),
    values,
    spans: (await store.stats()).spans,
  }
}

/** Runs `check` on a store of these requests as they came, on one with its last segments alone unsealed, and on one that is sealed. */
async function withStores(
  requests: readonly Uint8Array[],
  check: (asItCame: TraceStore, others: readonly TraceStore[]) => Promise<void>,
): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'spoor-same-'))
  const directories = ['open', 'late', 'sealed'].map((name) => join(root, name)) as [string, string, string]
  const stores: TraceStore[] = []
  try {
    await fill(directories[0], requests)
    for (const directory of directories.slice(1)) cpSync(directories[0], directory, { recursive: true })
    await sealAll(directories[1], 2)
    await sealAll(directories[2])
    for (const directory of directories) stores.push(await openInSameThread({ directory, seal: false }))
    await check(stores[0]!, stores.slice(1))
  } finally {
    for (const store of stores) await store.close()
    rmSync(root, { recursive: true, force: true })
  }
}

it.each(SEEDS)('a store of spans from seed %i answers the same when it is sealed', async (seed) => {
  const requests = requestsFor(seed)
  await withStores(requests, async (asItCame, others) => {
    const ids = (await find(asItCame, {})).sort()
    const contents = await contentsOf(asItCame, ids)
    expect(contents).toMatchObject({ spans: requests.reduce((sum, request) => sum + spansIn(request), 0) })
    for (const other of others) expect(await contentsOf(other, ids)).toEqual(contents)
    await fc.assert(
      fc.asyncProperty(arbitrarySearch, async (query) => {
        const expected = await tracesOf(asItCame, query)
        for (const other of others) expect(await tracesOf(other, query)).toEqual(expected)
      }),
      { numRuns: SEARCHES, seed },
    )
  })
})

// Of two spans with one id any may be the one that is called, so that there are none here but twins.
it.each([
  ['calls', arbitraryTraces],
  ['calls and links', arbitraryCalls],
])('has the same %s between services when it is sealed', async (_, arbitrary) => {
  const random = createRandom(7)
  const spans = fc.sample(arbitrary, { seed: 7, numRuns: 1 })[0]!
  const requests: Uint8Array[] = []
  while (spans.length > 0) requests.push(requestOf(spans.splice(0, 1 + random(5))))
  await withStores(requests, async (asItCame, others) => {
    const calls = await asItCame.dependencies(0n, 2n ** 63n)
    expect(calls.edges.length).toBeGreaterThan(3)
    for (const other of others) expect(await other.dependencies(0n, 2n ** 63n)).toEqual(calls)
  })
})
