import { collectSearch } from '@spoor/storage'
import type { Limits, StoreQueries } from '../api/store-queries.ts'
import type { SampledTrace } from './rules-thread.ts'

/** Traces of a look: half of them the newest, half the newest of those that are whole by now. */
export const MAX_TRACES = 200
/** Spans of one: of larger ones, in which bursts are, a look takes a few, and of those the largest it leaves out. */
const MAX_SPANS = 2_000
const MAX_SPANS_OF_LARGE = 20_000
const MAX_LARGE = 2
/** Bytes of a look: what is beyond it is left out. */
const MAX_BYTES = 32 * 1024 * 1024
/** Traces that began so long ago are whole: all of what was under way has ended, and has come. Milliseconds. */
const WHOLE_MS = 30_000
const HOUR_MS = 3_600_000

export interface Range {
  /** Nanoseconds since 1970. Default: an hour ago, and an hour ahead, as clocks differ. */
  readonly from?: bigint | undefined
  readonly to?: bigint | undefined
}

/**
 * The traces that a look is at. Under load the newest 200 are of the last second, and half of their spans are on their way: rules that wait for them would never speak, so half of
 * the sample is older.
 */
export async function* sampleOf(store: StoreQueries, range: Range, limits: Limits): AsyncGenerator<SampledTrace> {
  const nowMs = Date.now()
  const from = range.from ?? nsOf(nowMs - HOUR_MS)
  const to = range.to ?? nsOf(nowMs + HOUR_MS)
  const newest = await newestOf(store, from, to, MAX_TRACES, limits)
  const wholeTo = nsOf(nowMs - WHOLE_MS)
  const isAll = newest.length < MAX_TRACES || wholeTo >= to || wholeTo <= from
  const halves = isAll
    ? newest
    : [
        ...newest.slice(0, MAX_TRACES / 2),
        ...(await newestOf(store, from, wholeTo, MAX_TRACES / 2, limits)),
        // Where there are not so many.
        ...newest.slice(MAX_TRACES / 2),
      ]
  const seen = new Set<string>()
  let [bytes, large] = [0, 0]
  for (const { traceId, spans } of halves) {
    if (seen.size >= MAX_TRACES || bytes > MAX_BYTES) return
    if (seen.has(traceId)) continue
    if (spans > MAX_SPANS && (spans > MAX_SPANS_OF_LARGE || large++ >= MAX_LARGE)) continue
    seen.add(traceId)
    const chunks: Uint8Array[] = []
    for await (const chunk of store.trace(traceId, limits)) {
      chunks.push(chunk)
      bytes += chunk.length
    }
    yield { traceId, chunks }
  }
}

async function newestOf(store: StoreQueries, from: bigint, to: bigint, limit: number, limits: Limits) {
  return (await collectSearch(store.search({ from, to, limit, matchesPerTrace: 0 }, limits))).traces
}

function nsOf(ms: number): bigint {
  return BigInt(ms) * 1_000_000n
}
