/**
 * Joins gzip members into one member without compressing again, so that every peer reads all of it. The deflate streams are laid end to
 * end: the last block of each is marked as not the last, and an empty stored block brings it to a byte's border; an empty last block
 * closes them all. Checksums are combined, not computed. Source: RFC 1951, RFC 1952.
 */
import { findDeflateEnd } from './deflate-end.ts'

const HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff)
const TRAILER_BYTES = 8
/** An empty stored block, less the three bits of its header: its length and the complement of it. */
const EMPTY_STORED = Uint8Array.of(0, 0, 0xff, 0xff)
/** An empty block with fixed codes that is the last. */
const EMPTY_FINAL = Uint8Array.of(3, 0)

/**
 * One gzip member with the contents of all. Each must be one member with the plain ten-byte header and nothing behind it.
 * Throws RangeError for one that is not.
 */
export function joinGzip(members: readonly Uint8Array[]): Uint8Array {
  // Closing a stream takes at most a byte more for the header's bits.
  const room = members.reduce((sum, member) => sum + member.length + 1 + EMPTY_STORED.length, 0)
  const joined = Buffer.allocUnsafeSlow(HEADER.length + room + EMPTY_FINAL.length + TRAILER_BYTES)
  joined.set(HEADER)
  let at = HEADER.length
  let crc = 0
  let length = 0
  for (const member of members) {
    const trailer = trailerOf(member)
    at = appendOpen(joined, at, member)
    crc = combineCrc32(crc, trailer.crc, trailer.length)
    length += trailer.length
  }
  joined.set(EMPTY_FINAL, at)
  at += EMPTY_FINAL.length
  joined.writeUInt32LE(crc, at)
  joined.writeUInt32LE(length >>> 0, at + 4)
  return joined.subarray(0, at + TRAILER_BYTES)
}

function trailerOf(member: Uint8Array): { crc: number; length: number } {
  const isPlain = member[0] === HEADER[0] && member[1] === HEADER[1] && member[2] === 8 && member[3] === 0
  if (!isPlain || member.length < HEADER.length + TRAILER_BYTES) throw new RangeError('not a plain gzip member')
  const view = new DataView(member.buffer, member.byteOffset + member.length - TRAILER_BYTES, TRAILER_BYTES)
  return { crc: view.getUint32(0, true), length: view.getUint32(4, true) }
}

/** Copies a member's stream so that another can follow it at a byte's border; gives the position for that. */
function appendOpen(joined: Uint8Array, start: number, member: Uint8Array): number {
  const stream = member.subarray(HEADER.length, member.length - TRAILER_BYTES)
  const { finalBit, endBit } = findDeflateEnd(member.subarray(HEADER.length), stream.length)
  if (Math.ceil(endBit / 8) !== stream.length) throw new RangeError('the deflate stream does not end at the trailer')
  joined.set(stream, start)
  joined[start + (finalBit >>> 3)]! &= ~(1 << (finalBit & 7))
  // The bits behind the end become the header of a stored block (three zeros) and its padding.
  let at = start + stream.length
  const used = endBit & 7
  if (used !== 0) joined[at - 1]! &= (1 << used) - 1
  if (used === 0 || used > 5) joined[at++] = 0
  joined.set(EMPTY_STORED, at)
  return at + EMPTY_STORED.length
}

/** CRC-32's polynomial, bits reversed. */
const POLYNOMIAL = 0xedb88320
/** x^(8·2^i) modulo the polynomial: what appending 2^i zero bytes multiplies by. */
const ZERO_BYTES = powers()

function powers(): Uint32Array {
  const table = new Uint32Array(32)
  // x^8: a reversed polynomial has x^0 in its highest bit.
  table[0] = 1 << 23
  for (let i = 1; i < 32; i++) table[i] = multiply(table[i - 1]!, table[i - 1]!)
  return table
}

/** a · b modulo the polynomial, over GF(2). */
function multiply(a: number, b: number): number {
  let product = 0
  for (let bit = 31; bit >= 0; bit--) {
    if ((a >>> bit) & 1) product ^= b
    b = b & 1 ? (b >>> 1) ^ POLYNOMIAL : b >>> 1
  }
  return product >>> 0
}

/** The CRC-32 of two texts behind each other, from theirs and the length of the second in bytes. */
function combineCrc32(first: number, second: number, length: number): number {
  let shifted = first
  for (let i = 0; i < 32; i++) if ((length >>> i) & 1) shifted = multiply(shifted, ZERO_BYTES[i]!)
  return (shifted ^ second) >>> 0
}
