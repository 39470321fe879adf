import { byGravity, type Counters } from '@spoor/collector'
import { describeStoreEvent, STORE_EVENTS, type TraceStore } from '@spoor/storage'
import type { StatusResponse } from './api.ts'
import { liveness, readiness, type Vitals } from './health.ts'
import type { Program } from './program.ts'
import { version } from './version.ts'

/** How long the store's figures are waited for; after it the last known are given. Milliseconds. */
const STATS_TIMEOUT_MS = 1_000

export interface StatusOptions {
  readonly program: Program
  readonly vitals: () => Vitals
  /** Undefined until the store is open. */
  readonly store: () => TraceStore | undefined
  readonly counters: Counters
  readonly endpoints: () => StatusResponse['endpoints']
  /** All that is to be mended, in any order. */
  readonly attention: () => StatusResponse['attention']
}

/** That is told at a time. */
const MAX_ATTENTION = 100

export interface StatusDesk {
  /** What `/api/spoor/v1/status` answers: within about a second, whatever of the store hangs. */
  readonly read: () => Promise<StatusResponse>
  /** How many spans were stored when it was read last. */
  knownSpans(): number
}

export function createStatus({
  program,
  vitals,
  store: storeNow,
  counters,
  endpoints,
  attention,
}: StatusOptions): StatusDesk {
  const started = performance.now()
  let known: StatusResponse['store'] = { spans: 0, diskBytes: 0, blocks: 0, segments: 0 }

  async function figures(): Promise<StatusResponse['store']> {
    const store = storeNow()
    if (!store) return { ...known, stale: true }
    try {
      const { oldest, newest, spans, diskBytes, blocks, segments } = await soon(
        store.stats({ timeoutMs: STATS_TIMEOUT_MS }),
      )
      return (known = {
        spans,
        diskBytes,
        blocks,
        segments,
        ...(oldest !== undefined && { oldest: oldest.toString() }),
        ...(newest !== undefined && { newest: newest.toString() }),
      })
    } catch {
      // Why it does not answer is among the reasons of its health.
      return { ...known, stale: true }
    }
  }

  async function read(): Promise<StatusResponse> {
    const store = await figures()
    const now = vitals()
    const { refusing } = now.intake
    const { ok: ready, reasons } = readiness(now)
    const health = now.store?.health()
    return {
      version,
      program,
      phase: now.phase,
      health: {
        live: liveness(now).ok,
        ready,
        reasons,
        damagedPieces: health?.totals.damagedPieces ?? 0,
        damagedSpans: health?.totals.damagedSpans ?? 0,
        damagedBytes: health?.totals.damagedBytes ?? 0,
        droppedSpans: health?.totals.droppedSpans ?? {},
        recent: (health?.recent ?? [])
          .map(({ atMs, event }) => {
            const { severity } = STORE_EVENTS[event.code]
            return { atMs, code: event.code, severity, text: describeStoreEvent(event) }
          })
          .reverse(),
      },
      uptimeSeconds: Math.round((performance.now() - started) / 1000),
      endpoints: endpoints(),
      spansAccepted: sumOf(counters, 'otelcol_receiver_accepted_spans'),
      spansRefused: sumOf(counters, 'otelcol_receiver_refused_spans'),
      ...(refusing !== undefined && { refusing }),
      attention: attention().toSorted(byGravity).slice(0, MAX_ATTENTION),
      store: {
        ...store,
        ...(health?.sealing && { sealing: health.sealing }),
        ...(health?.keeping && { keeping: health.keeping }),
      },
    }
  }

  return { read, knownSpans: () => known.spans }
}

/** Rejects when the promise takes twice its time: a thread that hangs keeps no deadline. */
async function soon<T>(promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the store does not answer')), 2 * STATS_TIMEOUT_MS)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Of all counters of a name. */
export function sumOf(counters: Counters, name: string): number {
  return counters.snapshot().reduce((sum, sample) => (sample.name === name ? sum + sample.value : sum), 0)
}
