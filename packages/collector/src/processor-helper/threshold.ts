/**
 * Sampling by comparison of two numbers of 56 bits, as OpenTelemetry's trace state has them: an item is kept where its randomness is at least the
 * threshold. Both are texts of 14 hex digits, which are in the order of their numbers.
 * Source: OpenTelemetry specification, "TraceState: Probability Sampling".
 */

/** Of 56 bits. */
export const HEX_DIGITS = 14
const MAX = 2 ** (4 * HEX_DIGITS)
export const MIN_PROBABILITY = 1 / MAX

/** The threshold of all. */
export const ALWAYS = '0'.repeat(HEX_DIGITS)
/** The threshold of nothing: behind all others. */
export const NEVER = 'never'
/** A randomness that every threshold lets through. */
export const HIGHEST = 'f'.repeat(HEX_DIGITS)

/** From the form in the trace state, where zeros at the end are left out; undefined for what is none. */
export function thresholdFrom(text: string): string | undefined {
  if (text.length > HEX_DIGITS || !/^[0-9a-f]+$/i.test(text)) return undefined
  return text.toLowerCase().padEnd(HEX_DIGITS, '0')
}

/** The form in the trace state. */
export function thresholdText(threshold: string): string {
  return threshold === NEVER ? '' : threshold.replace(/0+$/, '') || '0'
}

/** Undefined for what is none. */
export function randomnessFrom(text: string): string | undefined {
  return text.length === HEX_DIGITS ? thresholdFrom(text) : undefined
}

export function probabilityOf(threshold: string): number {
  return Number(BigInt(MAX) - BigInt(`0x${threshold}`)) / MAX
}

/**
 * The threshold that keeps this share, with so many hex digits, and more where the share is near nothing or everything; undefined for what is no
 * share that can be told.
 */
export function thresholdOf(probability: number, precision: number): string | undefined {
  if (!(probability >= MIN_PROBABILITY && probability <= 1)) return undefined
  if (probability === 1) return ALWAYS
  const digits = Math.min(HEX_DIGITS, precision + Math.max(leadingDigits(probability), leadingDigits(1 - probability)))
  let threshold = BigInt(MAX) - BigInt(Math.round(probability * MAX))
  const shift = BigInt(4 * (HEX_DIGITS - digits))
  if (shift > 0n) threshold = ((threshold + (1n << (shift - 1n))) >> shift) << shift
  return threshold >= BigInt(MAX) ? NEVER : threshold.toString(16).padStart(HEX_DIGITS, '0')
}

/** Hex digits behind the point that are zero. */
function leadingDigits(fraction: number): number {
  let count = 0
  for (let rest = fraction; rest < 1 / 16; rest *= 16) count++
  return count
}
