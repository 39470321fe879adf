/** MurmurHash3 with the seed 0, as hex of the bytes, the lowest first. Source: Austin Appleby's description, in the public domain. */
import { rotl64, u64, xorShift } from './uint64.ts'

function rotl32(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits))
}

function mixed32(block: number): number {
  return Math.imul(rotl32(Math.imul(block, 0xcc9e2d51), 15), 0x1b873593)
}

/** The variant for x86, 32 bits. */
export function murmur3(bytes: Uint8Array): string {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const { length } = data
  const whole = length - (length % 4)
  let hash = 0
  for (let at = 0; at < whole; at += 4)
    hash = (Math.imul(rotl32(hash ^ mixed32(data.readUInt32LE(at)), 13), 5) + 0xe6546b64) | 0
  if (whole < length) hash ^= mixed32(data.readUIntLE(whole, length - whole))
  hash ^= length
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  hash ^= hash >>> 16
  const result = Buffer.alloc(4)
  result.writeInt32LE(hash)
  return result.toString('hex')
}

const C1 = 0x87c3_7b91_1142_53d5n
const C2 = 0x4cf5_ad43_2745_937fn

const mixedLow = (block: bigint): bigint => u64(rotl64(u64(block * C1), 31n) * C2)
const mixedHigh = (block: bigint): bigint => u64(rotl64(u64(block * C2), 33n) * C1)

function finished(value: bigint): bigint {
  const once = u64(xorShift(value, 33n) * 0xff51_afd7_ed55_8ccdn)
  return xorShift(u64(xorShift(once, 33n) * 0xc4ce_b9fe_1a85_ec53n), 33n)
}

/** The variant for x64, 128 bits. */
export function murmur3Of128(bytes: Uint8Array): string {
  const { length } = bytes
  const whole = length - (length % 16)
  // What is left behind the last block, with zeros.
  const data = Buffer.concat([bytes], whole + 16)
  let low = 0n
  let high = 0n
  for (let at = 0; at < whole; at += 16) {
    low = rotl64(low ^ mixedLow(data.readBigUInt64LE(at)), 27n)
    low = u64((low + high) * 5n + 0x52dc_e729n)
    high = rotl64(high ^ mixedHigh(data.readBigUInt64LE(at + 8)), 31n)
    high = u64((high + low) * 5n + 0x3849_5ab5n)
  }
  low ^= mixedLow(data.readBigUInt64LE(whole)) ^ BigInt(length)
  high ^= mixedHigh(data.readBigUInt64LE(whole + 8)) ^ BigInt(length)
  low = u64(low + high)
  high = u64(high + low)
  low = finished(low)
  high = finished(high)
  low = u64(low + high)
  high = u64(high + low)
  const result = Buffer.alloc(16)
  result.writeBigUInt64LE(low)
  result.writeBigUInt64LE(high, 8)
  return result.toString('hex')
}
