import type { TraceRow } from 'spoor/api'

/**
 * The duration that a bar of full length stands for: the longest trace's, unless a few are so much longer than the rest that theirs could not be told
 * apart; then a little over the 95th percentile, and those few are shown cut. Nanoseconds, at least 1.
 */
export function barScale(rows: readonly TraceRow[]): number {
  const durations = rows.map((row) => row.durationNs).sort((a, b) => a - b)
  const longest = durations.at(-1) ?? 1
  const most = durations[Math.floor((durations.length - 1) * 0.95)] ?? 1
  return Math.max(1, longest > most * 4 ? most * 1.5 : longest)
}
