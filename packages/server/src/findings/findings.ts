/** What the traces that came last show together, and somebody can mend: the rules of `@spoor/trace`, over what is stored. */
import { setImmediate } from 'node:timers/promises'
import type { Attention } from '@spoor/collector'
import { joinBytes } from '@spoor/otlp'
import { collectSearch } from '@spoor/storage'
import { buildTrace, createFindings } from '@spoor/trace'
import type { FindingRow } from '../api.ts'
import type { Limits, StoreQueries } from '../api/store-queries.ts'
import { oddTimes } from './odd-times.ts'

/** Traces that are looked at, the newest, and spans of one: a larger one is left out. */
const MAX_TRACES = 200
const MAX_SPANS = 2_000
const HOUR_MS = 3_600_000

export interface FindingsQuery {
  /** Nanoseconds since 1970. Default: an hour ago, and an hour ahead, as clocks differ. */
  readonly from?: bigint | undefined
  readonly to?: bigint | undefined
  /** Those that are about this service alone. */
  readonly service?: string | undefined
}

/** Of the newest traces in the range: what the rules say of them; and, in whichever range, spans with times that cannot be. */
export async function findingsIn(
  store: StoreQueries,
  { from, to, service }: FindingsQuery,
  limits: Limits,
): Promise<FindingRow[]> {
  const found = [...(await ofTraces(store, { from, to }, limits)), ...(await oddTimes(store, Date.now(), limits))]
  return service === undefined ? found : found.filter(({ services }) => services.includes(service))
}

async function ofTraces(store: StoreQueries, { from, to }: FindingsQuery, limits: Limits): Promise<FindingRow[]> {
  const now = BigInt(Date.now())
  const { traces } = await collectSearch(
    store.search(
      {
        from: from ?? (now - BigInt(HOUR_MS)) * 1_000_000n,
        to: to ?? (now + BigInt(HOUR_MS)) * 1_000_000n,
        limit: MAX_TRACES,
        matchesPerTrace: 0,
      },
      limits,
    ),
  )
  const findings = createFindings()
  for (const { traceId, spans } of traces) {
    if (spans > MAX_SPANS) continue
    const chunks: Uint8Array[] = []
    for await (const chunk of store.trace(traceId, limits)) chunks.push(chunk)
    findings.add(buildTrace(joinBytes(chunks), traceId))
    // What comes in goes before what is said of it.
    await setImmediate()
  }
  return findings.found()
}

export interface FindingsDesk {
  /** What was found last, at once; where that is old, it is looked anew meanwhile. */
  latest(): readonly Attention[]
  /** Resolves when nothing is looked for any more. */
  close(): Promise<void>
}

/** At most so often; and so many times what it took, as it is to cost little. Milliseconds. */
const LEAST_APART_MS = 5_000
const APART_FACTOR = 20
const TIMEOUT_MS = 5_000

/** `spansSoFar`: how many have come; where there are no more than at the last look, nothing new is to be found. */
export function createFindingsDesk(store: StoreQueries, spansSoFar: () => number): FindingsDesk {
  const over = new AbortController()
  let latest: readonly Attention[] = []
  let seenSpans = 0
  let nextAtMs = 0
  let running: Promise<void> | undefined

  async function look(): Promise<void> {
    const beganMs = performance.now()
    const spans = spansSoFar()
    try {
      latest = await ofTraces(store, {}, { signal: over.signal, timeoutMs: TIMEOUT_MS })
      seenSpans = spans
    } catch {
      // A store that cannot be asked says so itself; what was found before is not wrong for it.
    }
    const tookMs = performance.now() - beganMs
    nextAtMs = performance.now() + Math.max(LEAST_APART_MS, APART_FACTOR * tookMs)
    running = undefined
  }

  return {
    latest() {
      const isDue = performance.now() >= nextAtMs && spansSoFar() !== seenSpans
      if (isDue && !running && !over.signal.aborted) running = look()
      // What could be better is for who asks; the status is for what misleads.
      return latest.filter(({ lastSeenMs, severity }) => severity !== 'info' && Date.now() - lastSeenMs < HOUR_MS)
    },
    async close() {
      over.abort()
      await running
    },
  }
}
