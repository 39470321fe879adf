/** Whole numbers of 64 bits without a sign, as hashes reckon with them. */

export function u64(value: bigint): bigint {
  return BigInt.asUintN(64, value)
}

export function rotl64(value: bigint, bits: bigint): bigint {
  return u64(value << bits) | (value >> (64n - bits))
}

/** The value with itself, `bits` to the right, in it. */
export function xorShift(value: bigint, bits: bigint): bigint {
  return value ^ (value >> bits)
}

/** Its bytes the other way round. */
export function swap64(value: bigint): bigint {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(value)
  return bytes.readBigUInt64BE()
}
