/**
 * What is known of the largest message that a peer takes.
 *
 * A message that is refused as too large teaches the limit: from then on, those of its size or more are split before they
 * are sent. The limit is left again: a minute after the last refusal the next message above it is sent whole, as a probe.
 * Taken, it lifts the limit altogether, since the peer's own was raised or another peer answers behind the same address, and the
 * next refusal teaches the new one. Refused, it costs that one message's way, and the wait for the next probe doubles, up to
 * ten minutes.
 */
export class SizeLimit {
  readonly #now: () => number
  /** A message of this size was refused; those of this size or more are split. */
  #refusedBytes = Infinity
  #waitMs = FIRST_PROBE_MS
  #probeAt = 0
  #isProbing = false

  /** `now`: milliseconds of a clock that never goes back. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Whether a message of so many bytes should be split before it is sent. False once in a while for one above the limit: the probe. */
  isAbove(bytes: number): boolean {
    if (bytes < this.#refusedBytes) return false
    if (this.#now() < this.#probeAt) return true
    // One message is enough to find out; the others stay below meanwhile.
    this.#probeAt = this.#now() + this.#waitMs
    this.#isProbing = true
    return false
  }

  /** The peer has refused a message of so many bytes as too large. */
  refused(bytes: number): void {
    if (bytes < MIN_LEARNED_BYTES) return
    // Those that were on their way already when the limit was learned are refused, too, and tell nothing new.
    if (this.#isProbing && bytes >= this.#refusedBytes) this.#waitMs = Math.min(this.#waitMs * 2, LAST_PROBE_MS)
    this.#isProbing = false
    this.#refusedBytes = Math.min(this.#refusedBytes, bytes)
    this.#probeAt = this.#now() + this.#waitMs
  }

  /** The peer has taken a message of so many bytes. */
  taken(bytes: number): void {
    if (bytes < this.#refusedBytes) return
    this.#refusedBytes = Infinity
    this.#waitMs = FIRST_PROBE_MS
    this.#isProbing = false
  }
}

/** A refused size below this is not taken for the peer's general limit. Bytes. */
const MIN_LEARNED_BYTES = 64 * 1024
/** From the last refusal to the first probe, and the longest wait between probes. Milliseconds. */
const FIRST_PROBE_MS = 60_000
const LAST_PROBE_MS = 600_000
