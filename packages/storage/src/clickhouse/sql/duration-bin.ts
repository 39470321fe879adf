import { binEdge, BINS_PER_OCTAVE } from '../../duration-bins.ts'

/*
 * The bins of `duration-bins.ts` in SQL, to the nanosecond. A duration as a floating point number is an octave, its exponent, and a place in it, its mantissa: where the
 * bins of an octave begin is the same in each, so that 64 numbers say it.
 */

const MANTISSA = 2n ** 52n - 1n
const BIAS = 1023
const WORDS = new BigUint64Array(1)
const DOUBLE = new Float64Array(WORDS.buffer)

/** Mantissas from which on a bin of an octave is that one or a later one. */
const BEGINS: readonly bigint[] = Array.from({ length: BINS_PER_OCTAVE }, (_, i) => leastMantissa(i))
const NUMBERS = new Map(BEGINS.map((mantissa, i) => [mantissa, i]))

/** Of all octaves the least: edges are rounded up to whole numbers, and an octave's first ones may be far up. */
function leastMantissa(i: number): bigint {
  if (i === 0) return 0n
  let least = MANTISSA
  for (let octave = 0; octave < 63; octave++) {
    const edge = binEdge(octave * BINS_PER_OCTAVE + i + 1)
    if (edge >= 2 ** (octave + 1)) continue
    DOUBLE[0] = edge
    const mantissa = WORDS[0]! & MANTISSA
    if (mantissa < least) least = mantissa
  }
  return least
}

/**
 * Of an expression that is a duration, nanoseconds from 0 to 2^63: what {@link binOfBegin} makes a bin of. `step`: bins that are told as the first of so many, which divide an
 * octave; 0 is told by itself.
 */
export function beginSql(duration: string, step = 1): string {
  const begins = BEGINS.filter((_, i) => i % step === 0)
  const bits = `reinterpretAsUInt64(toFloat64(${duration}))`
  const mantissa = `bitAnd(${bits}, ${MANTISSA})`
  return `${bits} - ${mantissa} + roundDown(${mantissa}, [${begins.join(', ')}])`
}

/** The bin of what {@link beginSql} gives. */
export function binOfBegin(bits: bigint): number {
  if (bits === 0n) return 0
  const octave = Number(bits >> 52n) - BIAS
  return octave * BINS_PER_OCTAVE + NUMBERS.get(bits & MANTISSA)! + 1
}
