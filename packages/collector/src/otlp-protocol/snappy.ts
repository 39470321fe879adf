/**
 * Snappy, both forms: the block, which is one piece of any length, and the framed stream of blocks of at most 64 KiB each; `snappy-encode.ts` makes them. Written as generators that give
 * way after a part of the work, as there is no thread pool for it. Sources: google/snappy format_description.txt, framing_format.txt.
 *
 *     block     length (varint), then elements: literal bytes, or a copy of what is `offset` bytes back
 *     stream    chunks: type (1), length (3, little endian), data; the first is `ff 06 00 00 sNaPpY`
 */

/** Bytes of output after which others get a turn: some milliseconds. */
const GIVE_WAY_BYTES = 1024 * 1024
export const STREAM_START = Buffer.from('ff060000734e61507059', 'hex')
export const MAX_CHUNK_BYTES = 65_536

/** A block cannot do better: three bytes for 64. */
const MOST_RATIO = 22

/** Chunk types. Those between 0x02 and 0x7f are none that a reader may skip. */
export const COMPRESSED = 0
export const UNCOMPRESSED = 1
const FIRST_SKIPPABLE = 0x80
export const CHECKSUM_BYTES = 4

/** Work that gives way now and then. */
export type Unpacking = Generator<void, Uint8Array, void>

/** How long the output is by the input's own words; undefined where it has none, or it cannot be true. */
export function snappyLength(input: Uint8Array): number | undefined {
  try {
    let length = isStream(input) ? 0 : readLength(input).length
    if (length > input.length * MOST_RATIO) return undefined
    if (!isStream(input)) return length
    for (const { type, data } of chunksOf(input)) {
      if (type === COMPRESSED) length += Math.min(readLength(data.subarray(CHECKSUM_BYTES)).length, MAX_CHUNK_BYTES)
      else if (type === UNCOMPRESSED) length += data.length - CHECKSUM_BYTES
    }
    return length
  } catch {
    return undefined
  }
}

/** The output of a block or a stream; `length`: what {@link snappyLength} says. Throws an Error where the input is neither. */
export function* unpackSnappy(input: Uint8Array, length: number): Unpacking {
  const output = new Uint8Array(length)
  if (isStream(input)) yield* unpackStream(input, output)
  else yield* unpackBlock(input, output, 0)
  return output
}

function isStream(input: Uint8Array): boolean {
  return STREAM_START.equals(input.subarray(0, STREAM_START.length))
}

function* unpackStream(input: Uint8Array, output: Uint8Array): Generator<void, void, void> {
  let at = 0
  let rested = 0
  for (const { type, data } of chunksOf(input)) {
    if (type >= FIRST_SKIPPABLE) continue
    const bytes = data.subarray(CHECKSUM_BYTES)
    const end = at + (type === COMPRESSED ? readLength(bytes).length : bytes.length)
    if (end - at > MAX_CHUNK_BYTES) throw new Error('a chunk is longer than 64 KiB')
    if (type === COMPRESSED) yield* unpackBlock(bytes, output.subarray(0, end), at)
    else output.set(bytes, at)
    const expected = new DataView(data.buffer, data.byteOffset).getUint32(0, true)
    if (maskedCrc(output.subarray(at, end)) !== expected) throw new Error('a checksum is wrong')
    at = end
    if (at - rested >= GIVE_WAY_BYTES) {
      rested = at
      yield
    }
  }
}

interface Chunk {
  readonly type: number
  readonly data: Uint8Array
}

function* chunksOf(input: Uint8Array): Generator<Chunk, void, void> {
  let at = 0
  while (at < input.length) {
    if (at + 4 > input.length) throw new Error('it ends in the middle')
    const type = input[at]!
    const length = input[at + 1]! | (input[at + 2]! << 8) | (input[at + 3]! << 16)
    at += 4
    if (at + length > input.length) throw new Error('it ends in the middle')
    if (type > UNCOMPRESSED && type < FIRST_SKIPPABLE) throw new Error(`a chunk of type ${type}, which there is not`)
    if (type <= UNCOMPRESSED && length < CHECKSUM_BYTES) throw new Error('a chunk without a checksum')
    yield { type, data: input.subarray(at, at + length) }
    at += length
  }
}

function readLength(block: Uint8Array): { readonly length: number; readonly at: number } {
  let length = 0
  for (let at = 0; at < 5; at++) {
    const byte = block[at]
    if (byte === undefined) break
    length += (byte & 0x7f) * 2 ** (7 * at)
    if (byte < 0x80) return { length, at: at + 1 }
  }
  throw new Error('it has no length')
}

/** Writes the block behind `start` of the output, to its end. */
function* unpackBlock(block: Uint8Array, output: Uint8Array, start: number): Generator<void, void, void> {
  const { length, at: begin } = readLength(block)
  if (length !== output.length - start) throw new Error('its length is wrong')
  let from = begin
  let to = start
  let rested = start
  while (from < block.length) {
    const tag = block[from++]!
    const kind = tag & 3
    let count = (tag >> 2) + 1
    let offset = 0
    if (kind === 0) {
      // From 61 on: so many bytes of the length follow.
      const more = Math.max(0, count - 60)
      if (more > 0) count = little(block, from, more) + 1
      from += more
    } else {
      const bytes = kind === 3 ? 4 : kind
      offset = little(block, from, bytes)
      from += bytes
      if (kind === 1) {
        offset |= (tag >> 5) << 8
        count = ((tag >> 2) & 7) + 4
      }
      if (offset === 0 || offset > to - start) throw new Error('a copy of what is not there')
    }
    if (to + count > output.length) throw new Error('it is longer than it says')
    if (kind === 0) {
      if (from + count > block.length) throw new Error('it ends in the middle')
      output.set(block.subarray(from, from + count), to)
      from += count
    } else if (offset >= count) output.copyWithin(to, to - offset, to - offset + count)
    else for (let index = 0; index < count; index++) output[to + index] = output[to + index - offset]!
    to += count
    if (to - rested >= GIVE_WAY_BYTES) {
      rested = to
      yield
    }
  }
  if (to !== output.length) throw new Error('it is shorter than it says')
}

/** Up to four bytes, the least first. What is beyond the end is an error. */
function little(bytes: Uint8Array, at: number, count: number): number {
  if (at + count > bytes.length) throw new Error('it ends in the middle')
  let value = 0
  for (let index = count - 1; index >= 0; index--) value = value * 256 + bytes[at + index]!
  return value
}

/** CRC-32C (Castagnoli), reflected. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1
  return value
})

/** As the framing format has it, so that a checksum of data with checksums in it is a good one. */
export function maskedCrc(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (let index = 0; index < bytes.length; index++) crc = (crc >>> 8) ^ TABLE[(crc ^ bytes[index]!) & 0xff]!
  crc = ~crc >>> 0
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}
