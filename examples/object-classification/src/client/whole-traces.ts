/** Asks Spoor how many traces of a run have come back whole. */
import { setTimeout as sleep } from 'node:timers/promises'
import { context, trace, TraceFlags } from '@opentelemetry/api'
import type { SearchResponse, TraceRow } from 'spoor/api'

/** The services that a photograph goes through in any case: client, preprocessing, ensemble. */
const FIXED_SERVICES = 3
/** Traces of one question. */
const PAGE = 1000
/** Time between two looks, ms. */
const LOOK_INTERVAL_MS = 500

/** What was found of a run's traces. The reasons add up with `whole` to all that were expected. */
export interface WholeTraces {
  readonly expected: number
  readonly whole: number
  /** Spoor has nothing of them. */
  readonly missing: number
  /** They have spans whose parents are not there. */
  readonly broken: number
  /** Spans of fewer services than have answered. */
  readonly short: number
}

/** What is expected of a request's trace: how many services its answer tells of. Key: the trace's id. */
export type Expected = ReadonlyMap<string, number>

/** How many services a request went through: all of them when models have answered, at least the client when not. */
export function servicesOf(votes: number | undefined): number {
  return votes === undefined ? 1 : FIXED_SERVICES + votes
}

/** Pure part of {@link countWhole}. */
export function judge(
  expected: Expected,
  rows: ReadonlyMap<string, Pick<TraceRow, 'orphans' | 'services'>>,
): WholeTraces {
  const found = { whole: 0, missing: 0, broken: 0, short: 0 }
  for (const [traceId, services] of expected) {
    const row = rows.get(traceId)
    if (!row) found.missing++
    else if (row.orphans > 0) found.broken++
    else if (row.services.length < services) found.short++
    else found.whole++
  }
  return { expected: expected.size, ...found }
}

/**
 * Looks until all traces of the run are whole, or the time is up: the last spans come a moment after the last answer.
 *
 * @param page Spoor's page, as `http://127.0.0.1:16686`.
 * @param run The value of `load.run.id` on the first spans.
 * @param since When the run began, ms since 1970.
 * @returns The last look; a sentence that says why there was none.
 */
export async function countWhole(
  { page, run, since, expected }: { page: string; run: string; since: number; expected: Expected },
  timeoutMs: number,
): Promise<WholeTraces | string> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const rows = await untraced(() => rowsOf(page, run, since)).catch((error: unknown) => reasonOf(page, error))
    const found = typeof rows === 'string' ? rows : judge(expected, rows)
    if (typeof found !== 'string' && found.whole === found.expected) return found
    if (Date.now() > deadline) return found
    await sleep(LOOK_INTERVAL_MS)
  }
}

async function rowsOf(page: string, run: string, since: number): Promise<Map<string, TraceRow>> {
  const rows = new Map<string, TraceRow>()
  let cursor: string | undefined
  do {
    const query = new URLSearchParams({ q: `load.run.id:${run}`, limit: String(PAGE), matches: '0' })
    // The client's clock may be a little ahead of what it reads a moment later.
    query.set('from', `${Math.floor(since - 1000)}000000`)
    if (cursor !== undefined) query.set('cursor', cursor)
    const response = await fetch(`${page}/api/spoor/v1/search?${query.toString()}`)
    if (!response.ok) throw new Error(`it answers ${response.status}: ${(await response.text()).slice(0, 200)}`)
    const { traces, next } = (await response.json()) as SearchResponse
    for (const row of traces) rows.set(row.traceId, row)
    cursor = next
  } while (cursor !== undefined)
  return rows
}

function reasonOf(page: string, error: unknown): string {
  const { message, cause } = error as Error
  const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : message
  return `Spoor was not asked at ${page} (${reason}); --page names its address, --no-lookup leaves it out`
}

/** Looking is no part of what is looked at: whatever is called in `fn` is the child of a span that is not sampled. */
function untraced<T>(fn: () => Promise<T>): Promise<T> {
  const parent = { traceId: 'f'.repeat(32), spanId: 'f'.repeat(16), traceFlags: TraceFlags.NONE }
  return context.with(trace.setSpanContext(context.active(), parent), fn)
}
