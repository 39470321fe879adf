import { inspectItems, OtlpError, rejectInvalidSpans } from '@spoor/otlp'

/** Reasons that are told apart; further ones are counted together. */
const MAX_REASONS = 50
const OTHER_REASONS = 'other reasons'

/** What was refused for one reason. */
export interface Refusal {
  readonly reason: string
  /** Known to be that many spans. */
  spans: number
  /** Pieces of input that hold an unknown number of spans. */
  pieces: number
  /** Where the first is. */
  readonly first: string
}

/** What was refused of an input, by reason. */
export class Refusals {
  readonly #byReason = new Map<string, Refusal>()

  get all(): readonly Refusal[] {
    return [...this.#byReason.values()]
  }

  /** `spans`: how many; undefined where that is not known. */
  add(reason: string, where: string, spans?: number): void {
    const key = this.#byReason.has(reason) || this.#byReason.size < MAX_REASONS ? reason : OTHER_REASONS
    let refusal = this.#byReason.get(key)
    if (!refusal) this.#byReason.set(key, (refusal = { reason: key, spans: 0, pieces: 0, first: where }))
    if (spans === undefined) refusal.pieces++
    else refusal.spans += spans
  }
}

/** What of a serialized `TracesData` is valid, and how many spans it has; undefined: nothing. `refuse` hears of the rest. */
export function validPart(
  bytes: Uint8Array,
  refuse: (reason: string, spans?: number) => void,
): { readonly bytes: Uint8Array; readonly items: number } | undefined {
  try {
    const { items, invalidSpans } = inspectItems('traces', bytes)!
    if (invalidSpans === 0) return { bytes, items }
    const valid = rejectInvalidSpans(bytes)
    // `resourceSpans[0].scopeSpans[0].spans[2] ("GET /" of service "shop"): trace_id is absent`: what is behind the colon.
    refuse(valid.first.slice(valid.first.lastIndexOf(': ') + 2), valid.rejected)
    return { bytes: valid.bytes, items: items - valid.rejected }
  } catch (error) {
    if (!(error instanceof OtlpError)) throw error
    refuse(`not OTLP: ${error.message}`)
    return undefined
  }
}
