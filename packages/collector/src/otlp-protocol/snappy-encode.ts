/**
 * Makes snappy, both forms; `snappy.ts` reads them. Written as generators that give way after a part of the work, as there is no thread
 * pool for it. Sources: google/snappy format_description.txt, framing_format.txt.
 */
import { CHECKSUM_BYTES, COMPRESSED, MAX_CHUNK_BYTES, maskedCrc, STREAM_START, UNCOMPRESSED } from './snappy.ts'

/** Work that gives way now and then. */
type Packing = Generator<void, Uint8Array, void>

/** Bytes of input after which others get a turn: some milliseconds. A multiple of {@link MAX_CHUNK_BYTES}. */
const GIVE_WAY_BYTES = 1024 * 1024
const HEADER_BYTES = 4
/** What a chunk may take beside its elements: header, checksum, length, and what {@link mostPacked} has for each piece. */
const CHUNK_ROOM_BYTES = HEADER_BYTES + CHECKSUM_BYTES + 5 + 33
const HASH_BITS = 14
const HASH_FACTOR = 0x1e35a7bd
/** Elements are looked for up to here from the end: a match is read four bytes at a time. */
const MARGIN_BYTES = 15
/** The longest copy that one element says. */
const MOST_COPIED = 64

/** One block, whatever its length. */
export function* packSnappy(input: Uint8Array): Packing {
  const output = new Uint8Array(5 + mostPacked(input.length))
  const table = new Uint16Array(1 << HASH_BITS)
  let to = putLength(input.length, output, 0)
  for (let at = 0; at < input.length; at += MAX_CHUNK_BYTES) {
    to = packPiece(input.subarray(at, at + MAX_CHUNK_BYTES), output, to, table)
    if ((at + MAX_CHUNK_BYTES) % GIVE_WAY_BYTES === 0) yield
  }
  return output.subarray(0, to)
}

/** A stream of blocks of at most 64 KiB, each with its checksum; what does not shrink is in it as it is. */
export function* packSnappyStream(input: Uint8Array): Packing {
  const pieces = Math.ceil(input.length / MAX_CHUNK_BYTES)
  const output = new Uint8Array(STREAM_START.length + pieces * CHUNK_ROOM_BYTES + mostPacked(input.length))
  const table = new Uint16Array(1 << HASH_BITS)
  output.set(STREAM_START)
  let to = STREAM_START.length
  for (let at = 0; at < input.length; at += MAX_CHUNK_BYTES) {
    const piece = input.subarray(at, at + MAX_CHUNK_BYTES)
    const begin = to + HEADER_BYTES + CHECKSUM_BYTES
    let end = packPiece(piece, output, putLength(piece.length, output, begin), table)
    const shrinks = end - begin < piece.length
    if (!shrinks) {
      output.set(piece, begin)
      end = begin + piece.length
    }
    const view = new DataView(output.buffer, to)
    view.setUint32(0, (((end - begin + CHECKSUM_BYTES) << 8) | (shrinks ? COMPRESSED : UNCOMPRESSED)) >>> 0, true)
    view.setUint32(HEADER_BYTES, maskedCrc(piece), true)
    to = end
    if ((at + MAX_CHUNK_BYTES) % GIVE_WAY_BYTES === 0) yield
  }
  return output.subarray(0, to)
}

/** How long elements for so many bytes can become. */
function mostPacked(bytes: number): number {
  return 32 + bytes + Math.ceil(bytes / 6)
}

/** Elements for at most 64 KiB, whose copies stay within it. Returns where they end. */
function packPiece(input: Uint8Array, output: Uint8Array, start: number, table: Uint16Array): number {
  let to = start
  let written = 0
  table.fill(0)
  const end = input.length - MARGIN_BYTES
  let misses = 32
  for (let at = 1; at < end;) {
    const word = wordAt(input, at)
    const slot = Math.imul(word, HASH_FACTOR) >>> (32 - HASH_BITS)
    const earlier = table[slot]!
    table[slot] = at
    if (wordAt(input, earlier) !== word) {
      // The longer nothing is found, the wider the steps, so that what does not shrink costs little.
      at += misses++ >> 5
      continue
    }
    misses = 32
    to = putLiteral(input.subarray(written, at), output, to)
    const offset = at - earlier
    const from = at
    at += 4
    while (at < input.length && input[at] === input[at - offset]) at++
    to = putCopy(at - from, offset, output, to)
    written = at
  }
  return written < input.length ? putLiteral(input.subarray(written), output, to) : to
}

function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}

function putLiteral(bytes: Uint8Array, output: Uint8Array, at: number): number {
  let to = at
  const count = bytes.length - 1
  if (count < 0) return to
  if (count < 60) output[to++] = count << 2
  else {
    output[to++] = (count < 256 ? 60 : 61) << 2
    output[to++] = count & 0xff
    if (count >= 256) output[to++] = count >> 8
  }
  output.set(bytes, to)
  return to + bytes.length
}

/** As copies with an offset of two bytes, which any length and distance within a piece has room in. */
function putCopy(length: number, offset: number, output: Uint8Array, at: number): number {
  let to = at
  for (let left = length; left > 0; left -= MOST_COPIED) {
    output[to++] = ((Math.min(left, MOST_COPIED) - 1) << 2) | 2
    output[to++] = offset & 0xff
    output[to++] = offset >> 8
  }
  return to
}

function putLength(length: number, output: Uint8Array, at: number): number {
  let to = at
  let left = length
  for (; left >= 0x80; left = Math.floor(left / 0x80)) output[to++] = (left & 0x7f) | 0x80
  output[to++] = left
  return to
}
