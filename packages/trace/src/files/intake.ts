import type { Place } from './place.ts'

/** What readers of the forms give what they read to. */
export interface Intake {
  /** A serialized `TracesData`. What of it is not valid is refused there. */
  request(bytes: Uint8Array, place: Place): void
  /** Spans, or something that holds an unknown number of them (`spans` undefined), that cannot be taken, and why. */
  refuse(reason: string, place: Place, spans?: number): void
  /** Something that is no traces, as metrics. */
  other(what: string, place: Place): void
}
