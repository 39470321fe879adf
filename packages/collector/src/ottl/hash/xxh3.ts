/** XXH3 of xxHash with the seed 0, as hex, the highest byte first. Source: the specification of xxHash, `doc/xxhash_spec.md`. */
import { rotl64, swap64, u64, xorShift } from './uint64.ts'

const P32_1 = 0x9e37_79b1n
const P32_2 = 0x85eb_ca77n
const P32_3 = 0xc2b2_ae3dn
const P64_1 = 0x9e37_79b1_85eb_ca87n
const P64_2 = 0xc2b2_ae3d_27d4_eb4fn
const P64_3 = 0x1656_67b1_9e37_79f9n
const P64_4 = 0x85eb_ca77_c2b2_ae63n
const P64_5 = 0x27d4_eb2f_1656_67c5n
const MIX_1 = 0x1656_6791_9e37_79f9n
const MIX_2 = 0x9fb2_1c65_1e98_df25n
const LOW_32 = 0xffff_ffffn

/** The specification's default. */
const SECRET = Buffer.from(
  'b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221' +
    'b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8' +
    'a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb' +
    '170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e',
  'hex',
)

const STRIPE_BYTES = 64
/** With each stripe of a block the secret moves on by as much. */
const SECRET_STEP = 8
const BLOCK_STRIPES = (SECRET.length - STRIPE_BYTES) / SECRET_STEP
/** Beyond it, there are blocks of stripes. */
const MIDDLE_BYTES = 240

interface Halves {
  low: bigint
  high: bigint
}

const secret32 = (at: number): bigint => BigInt(SECRET.readUInt32LE(at))
const secret64 = (at: number): bigint => SECRET.readBigUInt64LE(at)

function multiplied(a: bigint, b: bigint): Halves {
  const product = a * b
  return { low: u64(product), high: product >> 64n }
}

function folded(a: bigint, b: bigint): bigint {
  const product = a * b
  return u64(product) ^ (product >> 64n)
}

function avalanche(value: bigint): bigint {
  return xorShift(u64(xorShift(value, 37n) * MIX_1), 32n)
}

/** That of the older XXH64. */
function avalanche64(value: bigint): bigint {
  const once = u64(xorShift(value, 33n) * P64_2)
  return xorShift(u64(xorShift(once, 29n) * P64_3), 32n)
}

/** 1 to 3 bytes, and how many, in one number. */
function combined(data: Buffer): bigint {
  const { length } = data
  const number = (data[0]! << 16) | (data[length >> 1]! << 24) | data[length - 1]! | (length << 8)
  return BigInt(number >>> 0)
}

/** 16 bytes with as many of the secret. */
function mixed(data: Buffer, at: number, secretAt: number): bigint {
  return folded(data.readBigUInt64LE(at) ^ secret64(secretAt), data.readBigUInt64LE(at + 8) ^ secret64(secretAt + 8))
}

/** Two times 16 bytes, each into one half as a product and into the other as a sum. */
function mixInto(sum: Halves, data: Buffer, first: number, second: number, secretAt: number): void {
  const total = (at: number): bigint => u64(data.readBigUInt64LE(at) + data.readBigUInt64LE(at + 8))
  sum.low = u64(sum.low + mixed(data, first, secretAt)) ^ total(second)
  sum.high = u64(sum.high + mixed(data, second, secretAt + 16)) ^ total(first)
}

function addStripe(sums: bigint[], data: Buffer, at: number, secretAt: number): void {
  for (let lane = 0; lane < 8; lane++) {
    const value = data.readBigUInt64LE(at + 8 * lane)
    const keyed = value ^ secret64(secretAt + 8 * lane)
    sums[lane ^ 1] = u64(sums[lane ^ 1]! + value)
    sums[lane] = u64(sums[lane]! + (keyed & LOW_32) * (keyed >> 32n))
  }
}

/** The eight sums of all stripes. */
function sumsOf(data: Buffer): bigint[] {
  const sums = [P32_3, P64_1, P64_2, P64_3, P64_4, P32_2, P64_5, P32_1]
  const last = data.length - 1
  for (let stripe = 0; (stripe + 1) * STRIPE_BYTES <= last; stripe++) {
    addStripe(sums, data, stripe * STRIPE_BYTES, (stripe % BLOCK_STRIPES) * SECRET_STEP)
    if ((stripe + 1) % BLOCK_STRIPES !== 0) continue
    for (let lane = 0; lane < 8; lane++) {
      const key = secret64(SECRET.length - STRIPE_BYTES + 8 * lane)
      sums[lane] = u64((xorShift(sums[lane]!, 47n) ^ key) * P32_1)
    }
  }
  addStripe(sums, data, data.length - STRIPE_BYTES, SECRET.length - STRIPE_BYTES - 7)
  return sums
}

function merged(sums: readonly bigint[], secretAt: number, start: bigint): bigint {
  let result = start
  for (let lane = 0; lane < 8; lane += 2)
    result += folded(sums[lane]! ^ secret64(secretAt + 8 * lane), sums[lane + 1]! ^ secret64(secretAt + 8 * lane + 8))
  return avalanche(u64(result))
}

function hash64(data: Buffer): bigint {
  const { length } = data
  const size = BigInt(length)
  if (length === 0) return avalanche64(secret64(56) ^ secret64(64))
  if (length <= 3) return avalanche64(combined(data) ^ secret32(0) ^ secret32(4))
  if (length <= 8) {
    const number = BigInt(data.readUInt32LE(length - 4)) + (BigInt(data.readUInt32LE(0)) << 32n)
    const keyed = number ^ secret64(8) ^ secret64(16)
    const once = u64((keyed ^ rotl64(keyed, 49n) ^ rotl64(keyed, 24n)) * MIX_2)
    return xorShift(u64((once ^ u64((once >> 35n) + size)) * MIX_2), 28n)
  }
  if (length <= 16) {
    const low = data.readBigUInt64LE(0) ^ secret64(24) ^ secret64(32)
    const high = data.readBigUInt64LE(length - 8) ^ secret64(40) ^ secret64(48)
    return avalanche(u64(size + swap64(low) + high + folded(low, high)))
  }
  let sum = size * P64_1
  if (length <= 128) {
    for (let pair = (length - 1) >> 5; pair >= 0; pair--)
      sum += mixed(data, 16 * pair, 32 * pair) + mixed(data, length - 16 * (pair + 1), 32 * pair + 16)
    return avalanche(u64(sum))
  }
  if (length <= MIDDLE_BYTES) {
    for (let round = 0; round < 8; round++) sum += mixed(data, 16 * round, 16 * round)
    sum = avalanche(u64(sum))
    for (let round = 8; round < length >> 4; round++) sum += mixed(data, 16 * round, 16 * (round - 8) + 3)
    return avalanche(u64(sum + mixed(data, length - 16, 119)))
  }
  return merged(sumsOf(data), 11, u64(sum))
}

function hash128(data: Buffer): Halves {
  const { length } = data
  const size = BigInt(length)
  if (length === 0)
    return { low: avalanche64(secret64(64) ^ secret64(72)), high: avalanche64(secret64(80) ^ secret64(88)) }
  if (length <= 3) {
    const low = combined(data)
    const swapped = swap64(low) >> 32n
    const high = ((swapped << 13n) & LOW_32) | (swapped >> 19n)
    return {
      low: avalanche64(low ^ secret32(0) ^ secret32(4)),
      high: avalanche64(high ^ secret32(8) ^ secret32(12)),
    }
  }
  if (length <= 8) {
    const number = BigInt(data.readUInt32LE(0)) + (BigInt(data.readUInt32LE(length - 4)) << 32n)
    const product = multiplied(number ^ secret64(16) ^ secret64(24), P64_1 + (size << 2n))
    const high = u64(product.high + (product.low << 1n))
    const low = u64(xorShift(product.low ^ (high >> 3n), 35n) * MIX_2)
    return { low: xorShift(low, 28n), high: avalanche(high) }
  }
  if (length <= 16) {
    const first = data.readBigUInt64LE(0)
    const last = data.readBigUInt64LE(length - 8)
    const product = multiplied(first ^ last ^ secret64(32) ^ secret64(40), P64_1)
    const keyed = last ^ secret64(48) ^ secret64(56)
    const high = u64(product.high + keyed + (keyed & LOW_32) * (P32_2 - 1n))
    const low = u64(product.low + ((size - 1n) << 54n)) ^ swap64(high)
    const result = multiplied(low, P64_2)
    return { low: avalanche(result.low), high: avalanche(u64(result.high + high * P64_2)) }
  }
  if (length > MIDDLE_BYTES) {
    const sums = sumsOf(data)
    return {
      low: merged(sums, 11, u64(size * P64_1)),
      high: merged(sums, SECRET.length - STRIPE_BYTES - 11, u64(~(size * P64_2))),
    }
  }
  const sum = { low: u64(size * P64_1), high: 0n }
  if (length <= 128) {
    for (let pair = (length - 1) >> 5; pair >= 0; pair--)
      mixInto(sum, data, 16 * pair, length - 16 * (pair + 1), 32 * pair)
  } else {
    for (let round = 0; round < 4; round++) mixInto(sum, data, 32 * round, 32 * round + 16, 32 * round)
    sum.low = avalanche(sum.low)
    sum.high = avalanche(sum.high)
    for (let round = 4; round < length >> 5; round++)
      mixInto(sum, data, 32 * round, 32 * round + 16, 32 * (round - 4) + 3)
    mixInto(sum, data, length - 16, length - 32, 103)
  }
  return {
    low: avalanche(u64(sum.low + sum.high)),
    high: u64(-avalanche(u64(sum.low * P64_1 + sum.high * P64_4 + size * P64_2))),
  }
}

function hex(value: bigint): string {
  return value.toString(16).padStart(16, '0')
}

function dataOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** 64 bits. */
export function xxh3(bytes: Uint8Array): string {
  return hex(hash64(dataOf(bytes)))
}

/** 128 bits. */
export function xxh128(bytes: Uint8Array): string {
  const { low, high } = hash128(dataOf(bytes))
  return hex(high) + hex(low)
}
