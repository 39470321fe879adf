/** Bytes that are written in a second beyond which ingest is under way: some 3,000 spans. */
const BUSY_BYTES = 256 * 1024
/**
 * What may wait to be sealed while it is: beyond one of them it is done all the same. The share is of what the store may have: a small store would
 * else drop spans that it has room for, once they are sealed.
 */
export const MAX_WAITING_BYTES = 2 * 1024 * 1024 * 1024
export const MAX_WAITING_SHARE = 0.25
export const MAX_WAITING_MS = 30 * 60_000
/** The share of its time that the sealer then has, and at which excess it has all of it. */
const FIRST_SHARE = 0.25
const FULL_EXCESS = 1.5

/** What there is to be sealed. */
export interface Backlog {
  readonly bytes: number
  /** How long the first of it has waited. */
  readonly oldestMs: number
}

/** The share of its time that the sealer may work, 0 to 1, while so many bytes come in a second; `maxBytes`: what the store may have. */
export function sealingShare(grownBytes: number, { bytes, oldestMs }: Backlog, maxBytes: number): number {
  if (grownBytes < BUSY_BYTES) return 1
  const maxWaiting = Math.min(MAX_WAITING_BYTES, MAX_WAITING_SHARE * maxBytes)
  const excess = Math.max(bytes / maxWaiting, oldestMs / MAX_WAITING_MS)
  if (excess < 1) return 0
  return Math.min(1, FIRST_SHARE + ((1 - FIRST_SHARE) * (excess - 1)) / (FULL_EXCESS - 1))
}
