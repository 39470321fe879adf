import type { SeenTrace } from './seen-trace.ts'

/** Something that many traces together show, and somebody can mend. */
export interface Finding {
  /** The same for the same thing, whenever it is looked at; of the code and what it is about, without its figures. */
  readonly id: string
  /** Stable, snake_case: `clock_skew`, `context_lost`, `names_with_ids`, … */
  readonly code: string
  /** `error`: traces are not whole. `warning`: what is shown misleads, or requests take longer than they need. `info`: it could be better. */
  readonly severity: 'error' | 'warning' | 'info'
  /** A sentence with names and figures. */
  readonly what: string
  /** `service checkout`. */
  readonly where: string
  /** The services that it is about. */
  readonly services: readonly string[]
  /** The way out: a sentence. */
  readonly mend: string
  /** The very lines, each to be pasted as it is; may be empty. */
  readonly lines: readonly { readonly kind: 'env' | 'shell' | 'yaml' | 'code'; readonly text: string }[]
  /** Spans that show it, among those that were looked at. */
  readonly count: number
  /** Starts of the first and the last of them, milliseconds since 1970. */
  readonly firstSeenMs: number
  readonly lastSeenMs: number
  /** At most {@link MAX_SPANS} of them. */
  readonly spans: readonly { readonly traceId: string; readonly spanId: string }[]
}

/** Spans that are named for a finding. */
export const MAX_SPANS = 20

/** The id of a finding. `about`: what tells it from others of its code. */
export function idOf(code: string, ...about: readonly string[]): string {
  return JSON.stringify([code, ...about])
}

/** One question to many traces: it is shown each once, and says what it has found. */
export interface Rule {
  add(seen: SeenTrace): void
  /** `nowMs`: milliseconds since 1970. What ended just before it may not be whole yet. */
  found(nowMs: number): readonly Finding[]
}
