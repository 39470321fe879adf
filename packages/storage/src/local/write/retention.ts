/*
 * What is deleted, and when: decisions only, the files are the shelf's. Segments go whole, the oldest first, smoothly:
 *
 * - A pass takes at most 5 % of the store (of the limit, where there is more than that), or one segment where that is more: segments are begun so that each is at most 4 % of the store
 *   (see {@link segmentLimit}). Larger ones are in a store of less than 64 MiB that may grow, where one request is larger than
 *   that, and in one that an earlier version wrote.
 * - By size and by space the next pass comes when half of what the last one freed is filled again, so that it keeps up with any ingest,
 *   or after a pause: 10 s for size (a store far above its limit shrinks by 5 % each), 60 s for space (others may be filling the disk).
 * - For want of space a store that is so small that one segment is more than 5 % of it loses nothing: then spans are refused.
 * - Where the system has no room though it says so (quotas, inodes), that has to last for 10 s first.
 * - By age at most a tenth of the store goes an hour, or twice what the limit asks for in a steady state where that is more, counted on
 *   the monotonic clock: when the wall clock jumps forward, everything looks old at once.
 *
 * Age is counted from stored times. The clock may have jumped while they were stored, so a segment is as old as the youngest-looking of
 * what says so: it ended when the next one began, not before it began itself, and not after any later one ended. Where the times say
 * nothing of use (they are in the future), a segment that has been closed for the limit of age on the monotonic clock is old too.
 *
 * Never deleted: the segment that is being written, and what was damaged and is kept aside. Where some traces are kept longer, a segment is reduced to them
 * in place of being deleted (see `keeping.ts`); what is kept has a retention of its own, by the same rules.
 */

/** Of the store, at most, in one pass. */
const PASS_SHARE = 0.05
/** Of the store, for one segment: smaller than a pass by what an estimate may be wrong. */
const SEGMENT_SHARE = 0.04
/** A store that is smaller is filled with segments as if it had grown to this: else its first ones would be tiny. */
const SMALL_STORE_BYTES = 64 * 1024 * 1024
/** Smaller segments would be hardly more than their records. */
const MIN_SEGMENT_BYTES = 64 * 1024
/** From one pass to the next, when nothing comes in. */
export const SIZE_PAUSE_MS = 10_000
export const SPACE_PAUSE_MS = 60_000
/** Of the store, by age. */
const HOURLY_SHARE = 0.1
const HOUR_MS = 3_600_000
/** How long after opening the first pass by age comes, at most: a process that is started again and again deletes nothing by age. */
const FIRST_AGE_PASS_MS = 60_000

/** Of the store, and of the limit of age, how far it is looked ahead for what comes next. */
const AHEAD_SHARE = 0.15

/** A closed segment. */
export interface ClosedSegment {
  readonly id: number
  /** Of log and index. */
  readonly bytes: number
  /** Wall clock: when it was begun. */
  readonly createdMs: number
  /** Wall clock: when its last record may have come, as far as that is known without the segment after it. */
  readonly endedMs: number
  /** Monotonic clock: since when this process knows it as closed. */
  readonly closedAtMs: number
}

export interface StoreState<S extends ClosedSegment = ClosedSegment> {
  /** Oldest first. */
  readonly closed: readonly S[]
  /** Wall clock: when the segment was begun that is being written. */
  readonly openCreatedMs: number | undefined
  /** All that the limit counts and that is not in `closed`. */
  readonly otherBytes: number
  /** About to be written. */
  readonly needBytes: number
  /** Free space beyond the reserve; negative when the reserve is being used up. */
  readonly roomBytes: number
  /** For how long the system has refused writes for want of space, whatever `roomBytes` says (quotas, inodes). */
  readonly refusedForMs: number | undefined
  readonly wallMs: number
  readonly monotonicMs: number
  /**
   * Whether a segment should wait, as something of it will be kept that is not written yet: as long as it is only too old, or in the headroom. Default: none.
   */
  readonly isPending?: (segment: ClosedSegment) => boolean
  /** Bytes that have to be free below the limit of size. Default 0. */
  readonly workroomBytes?: number
  /** Bytes that are to be free beside these. Default 0. */
  readonly headroomBytes?: number
}

/** `kept_age`, `kept_size`: beyond the limits of what is kept longer. */
export const DROP_REASONS = ['age', 'size', 'space', 'kept_age', 'kept_size'] as const

export interface Drop<S extends ClosedSegment = ClosedSegment> {
  readonly segment: S
  readonly reason: (typeof DROP_REASONS)[number]
}

/**
 * The most that a segment may take, log and index: 4 % of what is kept (of a store with less than 64 MiB: of that), or of what can be
 * kept where that is less; at least 64 KiB, at most `largest`. So a store of N bytes has at most 25 + 25 ln(N / 64 MiB) + N / `largest`
 * segments, one for each 25th of the limit of age, and one for each failure of a sync.
 */
export function segmentLimit(keptBytes: number, keepableBytes: number, largest: number): number {
  const whole = Math.min(keepableBytes, Math.max(SMALL_STORE_BYTES, keptBytes))
  return Math.min(largest, Math.max(MIN_SEGMENT_BYTES, SEGMENT_SHARE * whole))
}

/** Decides pass by pass; remembers when the last one was and what came in since. */
export class Retention {
  readonly #maxBytes: number
  readonly #maxAgeMs: number
  readonly #openedMs: number
  #lastPass: { readonly ms: number; readonly bytes: number } | undefined
  #grownSince = 0
  /** Bytes that may go by age, and when that was last counted. */
  #ageAllowance = 0
  #allowanceMs: number
  #firstAgePass = false

  constructor(limits: { readonly maxBytes: number; readonly maxAgeMs: number }, monotonicMs: number) {
    this.#maxBytes = limits.maxBytes
    this.#maxAgeMs = limits.maxAgeMs
    this.#openedMs = this.#allowanceMs = monotonicMs
  }

  /** So many bytes came in. */
  grew(bytes: number): void {
    this.#grownSince += bytes
  }

  /** The segments to delete now, oldest first; counts them as deleted. */
  decide<S extends ClosedSegment>(state: StoreState<S>): Drop<S>[] {
    const { closed, needBytes, roomBytes, monotonicMs, isPending } = state
    const { workroomBytes = 0, headroomBytes = 0 } = state
    const total = closed.reduce((sum, { bytes }) => sum + bytes, state.otherBytes)
    this.#allow(total, monotonicMs)
    const oldest = this.#maxAgeMs === Infinity ? 0 : this.#expired(state)
    const drops: Drop<S>[] = []
    let dropped = 0
    for (const [i, segment] of closed.entries()) {
      const { bytes } = segment
      if (dropped > 0 && dropped + bytes > PASS_SHARE * Math.min(total, this.#maxBytes)) break
      const byAge = i < oldest && this.#maySpend(bytes, total) && !isPending?.(segment)
      const over = total - dropped + needBytes + workroomBytes - this.#maxBytes
      const overSize = over > 0 || (over + headroomBytes > 0 && !isPending?.(segment))
      // Who fills the disk are others when the store is so small that one segment is much of it: it is kept, and spans are refused.
      const overSpace =
        bytes <= PASS_SHARE * total &&
        (needBytes > roomBytes + dropped || (dropped === 0 && this.#isRefused(state.refusedForMs)))
      const reason = byAge
        ? 'age'
        : overSize && this.#isDue(monotonicMs, SIZE_PAUSE_MS)
          ? 'size'
          : overSpace && this.#isDue(monotonicMs, SPACE_PAUSE_MS)
            ? 'space'
            : undefined
      if (!reason) break
      if (byAge) this.#ageAllowance -= bytes
      dropped += bytes
      drops.push({ segment, reason })
    }
    if (drops.some(({ reason }) => reason !== 'age')) {
      this.#lastPass = { ms: monotonicMs, bytes: dropped }
      this.#grownSince = 0
    }
    return drops
  }

  /** The segments whose turn comes soon, whatever the pace, oldest first. Counts nothing. */
  upcoming<S extends ClosedSegment>(state: StoreState<S>): S[] {
    const { closed, needBytes, roomBytes, workroomBytes = 0, headroomBytes = 0 } = state
    const total = closed.reduce((sum, { bytes }) => sum + bytes, state.otherBytes)
    const ahead = AHEAD_SHARE * Math.min(total, this.#maxBytes)
    const goes = Math.max(
      total + needBytes + workroomBytes + headroomBytes + ahead - this.#maxBytes,
      needBytes + ahead - roomBytes,
    )
    const oldest = this.#maxAgeMs === Infinity ? 0 : this.#expired(state, (1 - AHEAD_SHARE) * this.#maxAgeMs)
    let bytes = 0
    return closed.filter((segment, i) => {
      const isSoon = i < oldest || bytes < goes
      bytes += segment.bytes
      return isSoon
    })
  }

  #isDue(monotonicMs: number, pauseMs: number): boolean {
    const last = this.#lastPass
    return !last || this.#grownSince >= last.bytes / 2 || monotonicMs - last.ms >= pauseMs
  }

  /** A refusal may pass; one that lasts, or that comes when what the last pass freed is filled, does not. */
  #isRefused(forMs: number | undefined): boolean {
    if (forMs === undefined) return false
    return forMs >= SIZE_PAUSE_MS || (this.#lastPass !== undefined && this.#grownSince >= this.#lastPass.bytes / 2)
  }

  /** How many segments from the oldest on are beyond the limit of age: all up to the newest that is. */
  #expired({ closed, openCreatedMs, wallMs, monotonicMs }: StoreState, ageMs = this.#maxAgeMs): number {
    let nextCreatedMs = openCreatedMs ?? -Infinity
    for (let i = closed.length - 1; i >= 0; i--) {
      const { createdMs, endedMs, closedAtMs } = closed[i]!
      const lastMs = Math.max(createdMs, endedMs, nextCreatedMs)
      if (wallMs - lastMs >= ageMs || monotonicMs - closedAtMs >= ageMs) return i + 1
      nextCreatedMs = createdMs
    }
    return 0
  }

  /** Adds to what may go by age for the time that has passed. It does not gather beyond one pass. */
  #allow(total: number, monotonicMs: number): void {
    if (this.#maxAgeMs === Infinity) return
    const share = Math.max(HOURLY_SHARE / HOUR_MS, 2 / this.#maxAgeMs)
    const most = PASS_SHARE * total
    this.#ageAllowance = Math.min(most, this.#ageAllowance + (monotonicMs - this.#allowanceMs) * share * total)
    this.#allowanceMs = monotonicMs
    if (this.#firstAgePass || monotonicMs - this.#openedMs < Math.min(FIRST_AGE_PASS_MS, this.#maxAgeMs)) return
    this.#firstAgePass = true
    this.#ageAllowance = most
  }

  /** A segment that is larger than all that may gather goes when that has gathered; the debt has to be earned afterwards. */
  #maySpend(bytes: number, total: number): boolean {
    return this.#ageAllowance >= Math.min(bytes, PASS_SHARE * total)
  }
}
