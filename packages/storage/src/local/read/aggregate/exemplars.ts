import type { Exemplar } from '../../../contract.ts'
import type { Counted } from './counted.ts'

/** Of one that is kept, in memory, about. */
export const EXEMPLAR_BYTES = 200

/** Of a trace id and a span id. */
export const ID_BYTES = 24

/** A span, or request, that is named. */
export interface Kept {
  /** Trace id and span id. */
  readonly ids: Buffer
  readonly durationNs: number
  readonly error: boolean
}

/** The longest of all that come by; of two the same, by their ids, and of a client and a server with one id who failed: in whatever order they come. */
export class Exemplars {
  readonly #max: number
  readonly #kept: Kept[] = []

  constructor(max: number) {
    this.#max = max
  }

  add(counted: Counted): void {
    if (this.#max === 0) return
    const last = this.#kept[this.#max - 1]
    if (!last || isBefore(counted, last)) this.#keep(keptOf(counted))
  }

  addAll(other: Exemplars): void {
    for (const kept of other.#kept) this.keep(kept)
  }

  keep(kept: Kept): void {
    if (this.#max > 0) this.#keep(kept)
  }

  /** Whether one of this duration, nanoseconds, may be among them. */
  mayKeep(durationNs: number): boolean {
    if (this.#max === 0) return false
    const last = this.#kept[this.#max - 1]
    return !last || durationNs >= last.durationNs
  }

  get all(): readonly Kept[] {
    return this.#kept
  }

  list(): Exemplar[] {
    return this.#kept.map(exemplarOf)
  }

  #keep(kept: Kept): void {
    let at = this.#kept.length
    while (at > 0 && compareKept(kept, this.#kept[at - 1]!) < 0) at--
    this.#kept.splice(at, 0, kept)
    if (this.#kept.length > this.#max) this.#kept.pop()
  }
}

/** Whether it comes before one that is kept. */
export function isBefore(counted: Counted, kept: Kept): boolean {
  if (counted.durationNs !== kept.durationNs) return counted.durationNs > kept.durationNs
  // Durations of whole milliseconds are often the same.
  const { traceIds, traceAt, spanIds, spanAt } = counted
  for (let i = 0; i < ID_BYTES; i++) {
    const word = i < 16 ? traceIds[4 * traceAt + (i >> 2)]! : spanIds[2 * spanAt + ((i - 16) >> 2)]!
    const difference = ((word >>> (8 * (i & 3))) & 255) - kept.ids[i]!
    if (difference !== 0) return difference < 0
  }
  return counted.error && !kept.error
}

export function keptOf({ traceIds, traceAt, spanIds, spanAt, durationNs, error }: Counted): Kept {
  const ids = Buffer.alloc(ID_BYTES)
  ids.set(new Uint8Array(traceIds.buffer, traceIds.byteOffset + 16 * traceAt, 16))
  ids.set(new Uint8Array(spanIds.buffer, spanIds.byteOffset + 8 * spanAt, 8), 16)
  return { ids, durationNs, error }
}

/** What is known of it otherwise; ids as hex digits. */
export function keptAs(traceId: string, spanId: string, durationNs: number, error: boolean): Kept {
  return { ids: Buffer.from(traceId + spanId, 'hex'), durationNs, error }
}

export function exemplarOf({ ids, durationNs, error }: Kept): Exemplar {
  return { traceId: ids.toString('hex', 0, 16), spanId: ids.toString('hex', 16), durationNs, error }
}

/** Negative as one comes before the other. */
export function compareKept(a: Kept, b: Kept): number {
  return b.durationNs - a.durationNs || Buffer.compare(a.ids, b.ids) || Number(b.error) - Number(a.error)
}
