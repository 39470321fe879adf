import type { TraceStore } from '@spoor/storage'
import type { Intake } from './storage-exporter.ts'

/** Where a program is in its life. */
export type Phase = 'starting' | 'running' | 'stopping'

/** What is known of the program without asking any thread. */
export interface Vitals {
  readonly phase: Phase
  /** Undefined until it is open. */
  readonly store: Pick<TraceStore, 'health'> | undefined
  readonly intake: Intake
  /** Spans are not taken at all, and need not be. Default false. */
  readonly readOnly?: boolean
  /** Queries are not answered at all, and need not be. Default false. */
  readonly writeOnly?: boolean
  /** It is about to stop, and still does all of its work. Default false. */
  readonly draining?: boolean
  /** What it waits for while it starts. Default: that the data directory is open. */
  readonly opening?: string | undefined
  /** What ended a part for good; undefined while nothing did. */
  readonly failure: Error | undefined
}

/** Spans that are refused for longer than this make a program that is not ready. Milliseconds. */
const NOT_READY_AFTER_MS = 10_000

/** One answer to "how is it", with the reasons where it is not well. */
export interface Verdict {
  readonly ok: boolean
  /** In words; empty when it is well. */
  readonly reasons: readonly string[]
}

/**
 * Live: the process does its work, or will by itself, and can be left running. Not live: a part has failed for good, and nothing
 * but a restart helps. A disk that is full or fails does not end a life: restarting would not mend it.
 */
export function liveness({ failure }: Vitals): Verdict {
  return verdict(failure === undefined ? [] : [failure.message])
}

/**
 * Ready: takes spans and answers queries now, as far as it is there for them. Not ready while it starts or stops, or is about to, while the store
 * refuses to be written or read, and when the spans that came were refused for more than ten seconds.
 */
export function readiness(vitals: Vitals): Verdict {
  const { phase, store, intake, failure, readOnly = false, writeOnly = false, draining = false } = vitals
  const { opening = 'the data directory is being opened' } = vitals
  if (phase === 'stopping') return verdict(['Spoor is stopping'])
  const { reasons } = liveness(vitals)
  if (failure !== undefined) return verdict(reasons)
  if (phase === 'starting' || store === undefined) return verdict([`Spoor is starting: ${opening}`])
  if (draining) return verdict(['Spoor is about to stop: send and ask elsewhere'])
  const health = store.health()
  if ((!health.writable && !readOnly) || (!health.readable && !writeOnly)) return verdict(health.reasons)
  const { refusing, refusingForMs } = intake
  if (refusing !== undefined && refusingForMs >= NOT_READY_AFTER_MS) return verdict([`spans are refused: ${refusing}`])
  return verdict([])
}

function verdict(reasons: readonly string[]): Verdict {
  return { ok: reasons.length === 0, reasons }
}
