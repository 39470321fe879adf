import type { TraceRow } from 'spoor/api'

/** Durations that the shortest and the longest bar of a list stand for. Nanoseconds, at least 1. */
export interface BarScale {
  readonly minNs: number
  readonly maxNs: number
}

/** The shortest bar: still wide enough to show its parts. Share of the width. */
const leastShare = 0.05

export function barScale(rows: readonly TraceRow[]): BarScale {
  let [minNs, maxNs] = [Infinity, 1]
  for (const { durationNs } of rows) {
    minNs = Math.min(minNs, Math.max(1, durationNs))
    maxNs = Math.max(maxNs, durationNs)
  }
  return { minNs: Math.min(minNs, maxNs), maxNs }
}

/** How much of the width a bar has, 0-1: by the logarithm of its duration, so that short ones beside long ones are seen. */
export function barShare(durationNs: number, { minNs, maxNs }: BarScale): number {
  const decades = Math.log(maxNs / minNs)
  if (!(decades > 0)) return 1
  return leastShare + (1 - leastShare) * (Math.log(Math.max(minNs, durationNs) / minNs) / decades)
}
