import type { TraceRow } from 'spoor/api'

/** The share of a request's time beyond which what ran on after it is shown: most servers do a little after their answer. */
const TOLD_SHARE = 0.01

/** Whether so much ran on after the answer that a person should see it. */
export function hasTail({ requestDurationNs, tailNs }: Pick<TraceRow, 'requestDurationNs' | 'tailNs'>): boolean {
  return tailNs > requestDurationNs * TOLD_SHARE
}
