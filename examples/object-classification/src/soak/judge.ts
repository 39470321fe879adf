/**
 * What is odd about the traces of a run, and which fault explains it. A request that was answered is to be one trace from
 * the client to the consumer with no parent missing, and nothing is to be stored beside these.
 */
import type { FaultSwitch } from '../world/faults/board.ts'
import type { FaultName } from '../world/faults/catalogue.ts'

/** A request as its client tells of it. Times are ms since 1970. */
export interface Sent {
  readonly traceId: string
  readonly from: number
  readonly to: number
  /** It was not classified. */
  readonly failed: boolean
  /** Why not, in the client's words. */
  readonly reason?: string
}

/** A trace as it is stored. */
export interface Stored {
  readonly traceId: string
  readonly from: number
  readonly to: number
  readonly rootService: string
  readonly rootName: string
  /** Spans whose parent is not there. */
  readonly orphans: number
  readonly services: readonly string[]
}

/** When a fault was on. */
export interface OnTime extends FaultSwitch {
  readonly from: number
  readonly to: number
}

/**
 * - `failed`: the client has no classification.
 * - `lost`: nothing of it is stored.
 * - `orphans`: spans without their parent.
 * - `short`: classified, and spans of a service are not there.
 * - `torn`: a trace that no client has begun.
 */
export type OddKind = 'failed' | 'lost' | 'orphans' | 'short' | 'torn'
export const ODD_KINDS: readonly OddKind[] = ['failed', 'lost', 'orphans', 'short', 'torn']

/** Something odd, and when. */
export interface Odd {
  readonly kind: OddKind
  readonly traceId: string
  readonly from: number
  readonly to: number
  /** The services that it is about: what is not there, or where the trace begins. */
  readonly services: readonly string[]
  /** Of what failed: in the client's words. */
  readonly reason?: string
  /** The fault that explains it; undefined where none does. */
  readonly by?: OnTime
}

/** What each fault may do to a request. One that is not named here may do nothing but take time. */
const EXPLAINS: Partial<Record<FaultName, readonly OddKind[]>> = {
  errors: ['failed'],
  bad_images: ['failed'],
  // The line before a model is bounded, and who comes later is refused.
  slow_model: ['failed'],
  saturated_queue: ['failed'],
  retry_storm: ['failed'],
  cold_start: ['failed'],
  // Who is stopped for garbage is slow, too.
  memory_pressure: ['failed'],
  lost_context: ['short', 'torn'],
  // What does not end in order within some seconds is killed, and its spans that were under way with it.
  wrong_service_name: ['failed', 'short', 'orphans'],
  service_down: ['failed', 'short', 'orphans'],
  dropped_link: ['failed'],
  slow_link: ['failed'],
}
/** A line that has grown while a fault was on is worked off after it: for so long at least, ms, and for a share of its time. */
export const AFTER_MS = 5000
const AFTER_SHARE = 0.1
/** The service at the end, behind the queue, and how long a result may wait in a line that a fault has left, ms. */
const LAST = 'consumer'
const WAITS_MS = 30_000
/** The traces of batches begin in the consumer: links lead to the requests. */
const BATCH = 'store a batch'
/** How the traces of requests begin. */
export const FIRST = 'classify a photograph'

/** All that is odd, each with the fault that explains it. @param services Those that each request goes through. */
export function judge(
  sent: readonly Sent[],
  stored: readonly Stored[],
  faults: readonly OnTime[],
  services: readonly string[],
): Odd[] {
  const rows = new Map(stored.map((row) => [row.traceId, row]))
  const odd = [...sent.flatMap((one) => oddRequest(one, rows.get(one.traceId), services)), ...tornOff(stored)]
  return odd.map((one) => {
    const by = faults.find((fault) => explains(fault, one))
    return by ? { ...one, by } : one
  })
}

function oddRequest(sent: Sent, row: Stored | undefined, all: readonly string[]): Odd[] {
  const { traceId, from, to, failed, reason } = sent
  const about = { traceId, from, to }
  const odd: Odd[] = failed ? [{ ...about, kind: 'failed', services: [], ...(reason !== undefined && { reason }) }] : []
  if (!row) return [...odd, { ...about, kind: 'lost', services: [] }]
  if (row.orphans > 0) odd.push({ ...about, kind: 'orphans', services: row.services })
  const missing = all.filter((service) => !row.services.includes(service))
  // The consumer takes a result when it comes to it, and the client has long gone.
  const until = missing.includes(LAST) ? to + WAITS_MS : to
  if (!failed && missing.length > 0) odd.push({ ...about, to: until, kind: 'short', services: missing })
  return odd
}

/** Traces that are no request's, and the orphans in them. */
function tornOff(stored: readonly Stored[]): Odd[] {
  return stored.flatMap(({ traceId, from, to, rootName, rootService, orphans }) => {
    if (rootName === FIRST) return []
    const about = { traceId, from, to, services: [rootService] }
    const odd: Odd[] = rootName === BATCH ? [] : [{ ...about, kind: 'torn' }]
    if (orphans > 0) odd.push({ ...about, kind: 'orphans' })
    return odd
  })
}

/** Whether it was under way while a fault was on, or a moment after it. */
export function isAffected({ from, to }: OnTime, one: { readonly from: number; readonly to: number }): boolean {
  return one.to >= from && one.from <= to + Math.max(AFTER_MS, (to - from) * AFTER_SHARE)
}

/** By time and, where it is known, by place. */
function explains(on: OnTime, odd: Odd): boolean {
  const { fault, at } = on
  if (!EXPLAINS[fault]?.includes(odd.kind) || !isAffected(on, odd)) return false
  // The name of the one that was killed may be the wrong one.
  if (odd.kind === 'orphans') return fault === 'wrong_service_name' || odd.services.includes(at)
  // A trace that is torn off begins where its context was lost.
  return odd.services.every((service) => service === at || (odd.kind === 'short' && isBehind(service, at)))
}

/** Whether requests come to a service by way of another one. The client asks the ensemble for results by itself, too. */
function isBehind(service: string, at: string): boolean {
  if (at === 'preprocessing') return service !== 'client'
  return at === 'ensemble' && (service === 'consumer' || service.startsWith('inference-'))
}
