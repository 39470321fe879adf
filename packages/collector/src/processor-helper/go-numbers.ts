/** Numbers in texts as Go's `strconv` reads them, and doubles made integers as Go does it. */

const MIN_INT64 = -(2n ** 63n)
const MAX_INT64 = 2n ** 63n - 1n

/** `ParseInt(text, 10, 64)`; undefined where that fails. */
export function parseInt64(text: string): bigint | undefined {
  if (!/^[+-]?[0-9]+$/.test(text)) return undefined
  const value = BigInt(text.startsWith('+') ? text.slice(1) : text)
  return value < MIN_INT64 || value > MAX_INT64 ? undefined : value
}

/** `ParseFloat(text, 64)`; undefined where that fails, as with what is beyond the largest double. */
export function parseDouble(text: string): number | undefined {
  const special = /^([+-]?)(?:inf(?:inity)?)$|^[+-]?nan$/i.exec(text)
  if (special) return special[1] === undefined ? NaN : special[1] === '-' ? -Infinity : Infinity
  const value = /^[+-]?0x/i.test(text) ? hexDouble(text) : decimalDouble(text)
  return value === undefined || Number.isFinite(value) ? value : undefined
}

function decimalDouble(text: string): number | undefined {
  const plain = withoutUnderscores(text)
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(plain) ? Number(plain) : undefined
}

/** As `0x1.8p3`; of more than 53 bits of the mantissa, those beyond are rounded. */
function hexDouble(text: string): number | undefined {
  const plain = withoutUnderscores(text)
  const parts = /^([+-]?)0x([0-9a-f]*)\.?([0-9a-f]*)p([+-]?\d+)$/i.exec(plain)
  const [, sign, whole, fraction, exponent] = (parts ?? []) as unknown as [string, string, string, string, string]
  if (!parts || whole + fraction === '') return undefined
  const mantissa = Number(BigInt(`0x${whole}${fraction}`))
  return (sign === '-' ? -1 : 1) * mantissa * 2 ** (Number(exponent) - 4 * fraction.length)
}

/** Underscores between digits count for nothing; elsewhere they stay, and are wrong. */
function withoutUnderscores(text: string): string {
  return text.replaceAll(/(?<=[0-9a-fx])_(?=[0-9a-f])/gi, '')
}

/** Cut towards zero; what no integer of 64 bits can be is the smallest. */
export function int64Of(value: number): bigint {
  if (!Number.isFinite(value) || value >= 2 ** 63 || value < -(2 ** 63)) return MIN_INT64
  return BigInt(Math.trunc(value))
}
