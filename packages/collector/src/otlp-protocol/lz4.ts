/**
 * Frames of LZ4, read and made. As with snappy there is no thread pool for it: generators give way after a part of the work. Source: lz4
 * doc/lz4_Frame_format.md, lz4_Block_format.md; the hash is XXH32.
 *
 *     frame   magic (4), flags, largest block, [length (8)], [dictionary (4)], header checksum, blocks, 0 (4), [checksum (4)]
 *     block   length (4; highest bit: not compressed), sequences, [checksum (4)]
 *     sequence  literals << 4 | copied - 4, [more of each], literal bytes, distance (2)
 */

/** Bytes after which others get a turn: some milliseconds. A multiple of 16. */
const GIVE_WAY_BYTES = 1024 * 1024
const MAGIC = 0x184d2204
const END_OF_FRAME = 0
const NOT_COMPRESSED = 0x8000_0000
/** The two highest bits of the flags. */
const VERSION = 1
const INDEPENDENT = 0x20
const BLOCK_CHECKSUM = 0x10
const CONTENT_LENGTH = 0x08
const CONTENT_CHECKSUM = 0x04
const DICTIONARY = 0x01
const MOST_DISTANCE = 65_535
const LEAST_COPIED = 4
/** A block ends with literals, so many at least, and no copy begins within so many of its end. */
const LAST_LITERALS = 5
const LAST_COPY = 12
/** The blocks that are made: of 64 KiB, which the second byte says as 4. */
const BLOCK_BYTES = 65_536
const BLOCK_CODE = 4 << 4
const HASH_BITS = 14
/** So many bytes are copied one by one in less time than it takes to ask for more at a time. */
const FEW = 16

/** Work that gives way now and then. */
type Work = Generator<void, Uint8Array, void>

interface Block {
  readonly bytes: Uint8Array
  readonly compressed: boolean
  readonly checksum: number | undefined
}

interface Frame {
  /** The length that its header says. */
  readonly length: number | undefined
  readonly independent: boolean
  readonly blocks: readonly Block[]
  readonly checksum: number | undefined
}

/** How long the output is, counted; undefined where the input is no frames, or damaged. */
export function lz4Length(input: Uint8Array): number | undefined {
  try {
    return framesOf(input).reduce((sum, { blocks }) => sum + blocks.reduce((all, one) => all + blockLength(one), 0), 0)
  } catch {
    return undefined
  }
}

/** The output of the frames; `length`: what {@link lz4Length} says. Throws an Error where the input is damaged. */
export function* unpackLz4(input: Uint8Array, length: number): Work {
  const output = new Uint8Array(length)
  let at = 0
  for (const frame of framesOf(input)) {
    const begin = at
    for (const block of frame.blocks) {
      if (block.checksum !== undefined && (yield* hash(block.bytes)) !== block.checksum)
        throw new Error('a checksum is wrong')
      const end = at + blockLength(block)
      // Where blocks are not independent, they copy out of those before.
      if (block.compressed) yield* unpackBlock(block.bytes, output, at, frame.independent ? at : begin)
      else output.set(block.bytes, at)
      // A block is at most 4 MiB, and mostly 64 KiB.
      if (Math.floor(end / GIVE_WAY_BYTES) > Math.floor(at / GIVE_WAY_BYTES)) yield
      at = end
    }
    if (frame.length !== undefined && frame.length !== at - begin) throw new Error('its length is wrong')
    if (frame.checksum !== undefined && (yield* hash(output.subarray(begin, at))) !== frame.checksum)
      throw new Error('a checksum is wrong')
  }
  return output
}

function framesOf(input: Uint8Array): Frame[] {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength)
  const frames: Frame[] = []
  for (let at = 0; at < input.length;) {
    if (view.getUint32(at, true) !== MAGIC) throw new Error('it is no frame')
    const flags = view.getUint8(at + 4)
    if (flags >> 6 !== VERSION) throw new Error('a version that there is not')
    if (flags & DICTIONARY) throw new Error('it needs a dictionary')
    const begin = at + 4
    at += 6
    const length = flags & CONTENT_LENGTH ? Number(view.getBigUint64(at, true)) : undefined
    if (length !== undefined) at += 8
    if (view.getUint8(at) !== headerChecksum(input.subarray(begin, at))) throw new Error('a checksum is wrong')
    at++
    const blocks: Block[] = []
    for (;;) {
      const size = view.getUint32(at, true)
      at += 4
      if (size === END_OF_FRAME) break
      const end = at + (size & ~NOT_COMPRESSED)
      if (end > input.length) throw new Error('it ends in the middle')
      const checksum = flags & BLOCK_CHECKSUM ? view.getUint32(end, true) : undefined
      blocks.push({ bytes: input.subarray(at, end), compressed: size < NOT_COMPRESSED, checksum })
      at = end + (checksum === undefined ? 0 : 4)
    }
    const checksum = flags & CONTENT_CHECKSUM ? view.getUint32(at, true) : undefined
    if (checksum !== undefined) at += 4
    frames.push({ length, independent: (flags & INDEPENDENT) !== 0, blocks, checksum })
  }
  if (frames.length === 0) throw new Error('it is empty')
  return frames
}

/** Its sequences' lengths, without the copying. */
function blockLength({ bytes, compressed }: Block): number {
  if (!compressed) return bytes.length
  let length = 0
  for (let at = 0; at < bytes.length;) {
    const token = bytes[at++]!
    let literals = token >> 4
    if (literals === 15) for (let more = 255; more === 255; literals += more) more = byteAt(bytes, at++)
    at += literals
    length += literals
    if (at >= bytes.length) break
    at += 2
    let copied = token & 15
    if (copied === 15) for (let more = 255; more === 255; copied += more) more = byteAt(bytes, at++)
    length += copied + LEAST_COPIED
  }
  return length
}

function byteAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at]
  if (byte === undefined) throw new Error('it ends in the middle')
  return byte
}

/** `from`: where what may be copied begins. */
function* unpackBlock(block: Uint8Array, output: Uint8Array, start: number, from: number): Generator<void, void, void> {
  let to = start
  let rested = start
  for (let at = 0; at < block.length;) {
    const token = block[at++]!
    let literals = token >> 4
    if (literals === 15) for (let more = 255; more === 255; literals += more) more = byteAt(block, at++)
    if (at + literals > block.length) throw new Error('it ends in the middle')
    if (literals > FEW) {
      output.set(block.subarray(at, at + literals), to)
      at += literals
      to += literals
    } else for (const end = at + literals; at < end;) output[to++] = block[at++]!
    if (at === block.length) return
    const distance = byteAt(block, at) | (byteAt(block, at + 1) << 8)
    at += 2
    let copied = token & 15
    if (copied === 15) for (let more = 255; more === 255; copied += more) more = byteAt(block, at++)
    copied += LEAST_COPIED
    if (distance === 0 || distance > to - from) throw new Error('a copy of what is not there')
    if (distance >= copied && copied > FEW) output.copyWithin(to, to - distance, to - distance + copied)
    else for (let index = 0; index < copied; index++) output[to + index] = output[to + index - distance]!
    to += copied
    if (to - rested >= GIVE_WAY_BYTES) {
      rested = to
      yield
    }
  }
  throw new Error('it does not end with literals')
}

/** One frame of independent blocks, which says how long it is. */
export function* packLz4(input: Uint8Array): Work {
  const blocks = Math.ceil(input.length / BLOCK_BYTES)
  const output = new Uint8Array(15 + 4 + blocks * 4 + input.length)
  const view = new DataView(output.buffer)
  view.setUint32(0, MAGIC, true)
  output[4] = (VERSION << 6) | INDEPENDENT | CONTENT_LENGTH
  output[5] = BLOCK_CODE
  view.setBigUint64(6, BigInt(input.length), true)
  output[14] = headerChecksum(output.subarray(4, 14))
  const table = new Uint16Array(1 << HASH_BITS)
  const packed = new Uint8Array(BLOCK_BYTES + (BLOCK_BYTES >> 7) + 16)
  let to = 15
  for (let at = 0; at < input.length; at += BLOCK_BYTES) {
    const block = input.subarray(at, at + BLOCK_BYTES)
    const length = packBlock(block, packed, table)
    const shrinks = length < block.length
    view.setUint32(to, shrinks ? length : (NOT_COMPRESSED | block.length) >>> 0, true)
    output.set(shrinks ? packed.subarray(0, length) : block, to + 4)
    to += 4 + (shrinks ? length : block.length)
    if ((at + BLOCK_BYTES) % GIVE_WAY_BYTES === 0) yield
  }
  return output.subarray(0, to + 4)
}

/** At most 64 KiB, as sequences. Returns their length. */
function packBlock(input: Uint8Array, output: Uint8Array, table: Uint16Array): number {
  let to = 0
  let written = 0
  let misses = 64
  table.fill(0)
  for (let at = 1; at < input.length - LAST_COPY;) {
    const word = wordAt(input, at)
    const slot = Math.imul(word, -1_640_531_535) >>> (32 - HASH_BITS)
    const earlier = table[slot]!
    table[slot] = at
    if (wordAt(input, earlier) !== word || at - earlier > MOST_DISTANCE) {
      // The longer nothing is found, the wider the steps, so that what does not shrink costs little.
      at += misses++ >> 6
      continue
    }
    misses = 64
    const from = at
    at += LEAST_COPIED
    while (at < input.length - LAST_LITERALS && input[at] === input[at - from + earlier]) at++
    to = putSequence(input.subarray(written, from), from - earlier, at - from, output, to)
    written = at
  }
  return putSequence(input.subarray(written), 0, 0, output, to)
}

/** `copied` 0: the last one, of literals only. */
function putSequence(
  literals: Uint8Array,
  distance: number,
  copied: number,
  output: Uint8Array,
  start: number,
): number {
  const count = literals.length
  const more = copied - LEAST_COPIED
  let to = start
  output[to++] = (Math.min(count, 15) << 4) | (copied === 0 ? 0 : Math.min(more, 15))
  if (count >= 15) to = putMore(count - 15, output, to)
  output.set(literals, to)
  to += count
  if (copied === 0) return to
  output[to++] = distance & 0xff
  output[to++] = distance >> 8
  return more >= 15 ? putMore(more - 15, output, to) : to
}

function putMore(count: number, output: Uint8Array, at: number): number {
  let to = at
  let left = count
  for (; left >= 255; left -= 255) output[to++] = 255
  output[to++] = left
  return to
}

function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}

function headerChecksum(descriptor: Uint8Array): number {
  const { value } = hash(descriptor).next()
  return ((value as number) >>> 8) & 0xff
}

const [P1, P2, P3, P4, P5] = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f, 0x165667b1]

const rotate = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits))

/** XXH32 with seed 0. */
function* hash(bytes: Uint8Array): Generator<void, number, void> {
  let at = 0
  let value = P5
  if (bytes.length >= 16) {
    let [a, b, c, d] = [(P1 + P2) | 0, P2 | 0, 0, -P1 | 0]
    for (; at + 16 <= bytes.length; at += 16) {
      a = Math.imul(rotate((a + Math.imul(wordAt(bytes, at), P2)) | 0, 13), P1)
      b = Math.imul(rotate((b + Math.imul(wordAt(bytes, at + 4), P2)) | 0, 13), P1)
      c = Math.imul(rotate((c + Math.imul(wordAt(bytes, at + 8), P2)) | 0, 13), P1)
      d = Math.imul(rotate((d + Math.imul(wordAt(bytes, at + 12), P2)) | 0, 13), P1)
      if (at > 0 && at % GIVE_WAY_BYTES === 0) yield
    }
    value = (rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18)) | 0
  }
  value = (value + bytes.length) | 0
  for (; at + 4 <= bytes.length; at += 4)
    value = Math.imul(rotate((value + Math.imul(wordAt(bytes, at), P3)) | 0, 17), P4)
  for (; at < bytes.length; at++) value = Math.imul(rotate((value + Math.imul(bytes[at]!, P5)) | 0, 11), P1)
  value = Math.imul(value ^ (value >>> 15), P2)
  value = Math.imul(value ^ (value >>> 13), P3)
  return (value ^ (value >>> 16)) >>> 0
}
