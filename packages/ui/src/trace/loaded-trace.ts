import type { ClockShift, Problem, Trace, Verdict } from '@spoor/trace'
import type { PlainFailure } from '../api/api-failure.ts'

/** A trace as the worker hands it over: the model, and what was worked out of it. All arrays are typed and come without a copy. */
export interface PreparedTrace {
  readonly trace: Trace
  readonly critical: CriticalRows
  readonly verdict: Verdict
  readonly problems: readonly Problem[]
  /** The clocks that are apart from that of the request. */
  readonly clocksApart: readonly ClockShift[]
  /** What was taken off each row's times, as its clock is ahead by that. Nanoseconds, negative where it is behind. Undefined: times are as they were sent. */
  readonly aheadNs: Float64Array | undefined
  /** Length of the bytes that came from the store: tells whether a later answer has more spans. */
  readonly byteLength: number
}

/** A trace as the page holds it. */
export interface LoadedTrace extends PreparedTrace {
  /** Colour slot of each service, by index into `trace.services`. */
  readonly slots: Uint8Array
}

/** The critical path by row: segments `offsets[row]` to `offsets[row + 1]` (exclusive) lie in that row, in order of time, by the clock of its span. Offsets in nanoseconds. */
export interface CriticalRows {
  readonly offsets: Uint32Array
  readonly startNs: Float64Array
  readonly endNs: Float64Array
}

export interface LoadRequest {
  readonly id: string
  /** Its spans, where they are here; else they come from the store. */
  readonly bytes: Uint8Array<ArrayBuffer> | undefined
  /** Whether times are moved to the clock of the request. */
  readonly isAligned: boolean
  /** When the answer has this many bytes it is what the page has already, and nothing is built. */
  readonly knownLength: number | undefined
}

export type LoadReply =
  | { readonly kind: 'loaded'; readonly loaded: PreparedTrace }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'failed'; readonly failure: PlainFailure }
