/** The randomness of the mode `hash_seed`: FNV-1a of 32 bits, of which 14 decide. */

const OFFSET = 0x811c9dc5
const PRIME = 0x01000193
/** Of the hash, what decides. */
const BUCKETS = 0x4000

/** The hash of the seed, which is before all that is hashed. */
export function seedHash(seed: number): number {
  let hash = OFFSET
  for (let shift = 0; shift < 32; shift += 8) hash = step(hash, (seed >>> shift) & 0xff)
  return hash
}

/** Of bytes as lower-case hex. */
export function hashHex(hash: number, hex: string): string {
  let result = hash
  for (let i = 0; i < hex.length; i += 2) {
    result = step(result, (digit(hex.charCodeAt(i)) << 4) | digit(hex.charCodeAt(i + 1)))
  }
  return randomnessOf(result)
}

function digit(code: number): number {
  return code <= 0x39 ? code - 0x30 : code - 0x57
}

export function hashBytes(hash: number, bytes: Uint8Array): string {
  let result = hash
  for (const byte of bytes) result = step(result, byte)
  return randomnessOf(result)
}

function step(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, PRIME)
}

/** What decides, turned around so that a threshold lets through the small ones, is at the front; the rest fills up 56 bits. */
function randomnessOf(hash: number): string {
  const decides = hash & (BUCKETS - 1)
  const unused = hash >>> 18
  const mixed = unused ^ (unused << 10)
  const high = ((BUCKETS - 1 - decides) << 14) | (mixed >>> 14)
  const low = ((mixed & 0x3fff) << 14) | decides
  return high.toString(16).padStart(7, '0') + low.toString(16).padStart(7, '0')
}

/** The threshold that keeps this percentage, counted in whole buckets; undefined where that is not one. Percentages are single precision. */
export function bucketThreshold(percentage: number): string | undefined {
  const kept = Math.trunc(Math.fround(Math.fround(percentage) * Math.fround(BUCKETS / 100)))
  return kept === 0 ? undefined : ((BUCKETS - kept) * 2 ** 14).toString(16).padStart(7, '0').padEnd(14, '0')
}
