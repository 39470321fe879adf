/*
 * The one scale on which durations are counted: 64 bins to a factor of two, as OpenTelemetry's exponential histograms have them at scale 6. Bins of whole
 * nanoseconds, so that what is in one can be counted exactly, and be asked for by a search; counts of the same scale add up.
 */

export const BINS_PER_OCTAVE = 64
/** The ratio of a bin's end to its beginning. */
const RATIO = 2 ** (1 / BINS_PER_OCTAVE)
/** What a percentile is off by at most, as a share of it: 0.0054. */
export const DURATION_ERROR = (RATIO - 1) / (RATIO + 1)
const OCTAVES = 63
/** Bin 0 is that of 0. */
export const DURATION_BINS = OCTAVES * BINS_PER_OCTAVE + 2

const EDGES = Float64Array.from({ length: DURATION_BINS + 1 }, (_, bin) =>
  bin === 0 ? 0 : Math.ceil(2 ** ((bin - 1) / BINS_PER_OCTAVE)),
)

/** The least duration of a bin, nanoseconds. Bins of few nanoseconds are empty where no whole number is in between. */
export function binEdge(bin: number): number {
  return EDGES[bin]!
}

/** The bin of a duration, 0 to 2^63 nanoseconds: the last one that begins with it or less. */
export function binOf(durationNs: number): number {
  if (durationNs < 1) return 0
  let bin = Math.floor(Math.log2(durationNs) * BINS_PER_OCTAVE) + 1
  while (EDGES[bin]! > durationNs) bin--
  while (EDGES[bin + 1]! <= durationNs) bin++
  return bin
}

/** What stands for all durations of a bin, within {@link DURATION_ERROR} of each. */
export function binValue(bin: number): number {
  const first = EDGES[bin]!
  const last = EDGES[bin + 1]! - 1
  return first === 0 ? 0 : (2 * first * last) / (first + last)
}
