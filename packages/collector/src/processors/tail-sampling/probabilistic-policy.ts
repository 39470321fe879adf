/** A share of the traces, by FNV-1a of 64 bits over a salt and the trace id: every collector with the same salt keeps the same. */
import { keepWhere, type Policy } from './policy.ts'

const DEFAULT_SALT = 'default-hash-seed'
const MAX_UINT64 = 2n ** 64n - 1n

export function probabilistic(config: { hash_salt: string; sampling_percentage: number }): Policy {
  const salted = hash(START, Buffer.from(config.hash_salt === '' ? DEFAULT_SALT : config.hash_salt))
  const threshold = thresholdOf(config.sampling_percentage / 100)
  const [high, low] = [Number(threshold >> 32n), Number(threshold & 0xffffffffn)]
  return {
    decide({ id }) {
      const found = hash(salted, id)
      return keepWhere(found.high < high || (found.high === high && found.low <= low))
    },
  }
}

/** A hash of 64 bits in two halves. */
interface Hash {
  readonly high: number
  readonly low: number
}

const START: Hash = { high: 0xcbf29ce4, low: 0x84222325 }
/** The prime is 2^40 + this. */
const PRIME_LOW = 0x1b3

function hash({ high, low }: Hash, bytes: Uint8Array): Hash {
  for (const byte of bytes) {
    const mixed = (low ^ byte) >>> 0
    // At most 2^41, which is exact.
    const product = mixed * PRIME_LOW
    low = product >>> 0
    high = (Math.imul(high, PRIME_LOW) + Math.floor(product / 2 ** 32) + (mixed << 8)) >>> 0
  }
  return { high, low }
}

/** The ratio of 2^64 - 1, as the Collector has it: rounded to 64 significant bits, half to even, then cut to an integer. */
export function thresholdOf(ratio: number): bigint {
  if (!(ratio > 0)) return 0n
  const { mantissa, exponent } = partsOf(ratio)
  const product = MAX_UINT64 * mantissa
  const surplus = BigInt(Math.max(0, product.toString(2).length - 64))
  const half = surplus === 0n ? 0n : 1n << (surplus - 1n)
  const rest = product & ((1n << surplus) - 1n)
  let rounded = product >> surplus
  if (surplus > 0n && (rest > half || (rest === half && (rounded & 1n) === 1n))) rounded++
  const shift = surplus + BigInt(exponent)
  const whole = shift >= 0n ? rounded << shift : rounded >> -shift
  return whole > MAX_UINT64 ? MAX_UINT64 : whole
}

/** A finite number above 0 as mantissa · 2^exponent, both integers. */
function partsOf(value: number): { mantissa: bigint; exponent: number } {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  const bits = view.getBigUint64(0)
  const exponent = Number(bits >> 52n)
  const fraction = bits & (2n ** 52n - 1n)
  return exponent === 0
    ? { mantissa: fraction, exponent: -1074 }
    : { mantissa: fraction | (2n ** 52n), exponent: exponent - 1075 }
}
