import { InputProblem } from '@spoor/trace/files'
import type { ByteSource } from './byte-source.ts'

/** The most bytes that one message, or one `ResourceSpans` of it, may have. */
export const MAX_MESSAGE_BYTES = 64 << 20
/** `TracesData.resource_spans = 1`, length-delimited. */
const RESOURCE_SPANS = 0x0a
const LENGTH_BYTES = 4

/** A serialized message, and where it is in the file. */
export interface Message {
  readonly bytes: Uint8Array
  readonly offset: number
}

/**
 * One serialized `TracesData` of any size, as one message for each of its `ResourceSpans`. Throws {@link InputProblem} where it is cut off, or is
 * none.
 */
export async function* resourceSpansOf(source: ByteSource): AsyncGenerator<Message> {
  for (;;) {
    const { offset } = source
    // A tag, and a length of at most five bytes.
    const head = await source.peek(6)
    if (head.length === 0) return
    if (head[0] !== RESOURCE_SPANS) throw new InputProblem({ offset }, 'not OTLP: no ResourceSpans begins here')
    const [length, end] = varint(head, 1)
    if (end < 0) throw cutOff(offset)
    checkSize(length, offset)
    const bytes = await source.read(end + length)
    if (bytes.length < end + length) throw cutOff(offset)
    yield { bytes, offset }
  }
}

/** Messages each after its length, four bytes, the highest first: as the collector's file exporter frames what is not JSON lines. */
export async function* framesOf(source: ByteSource): AsyncGenerator<Message> {
  for (;;) {
    const { offset } = source
    const head = await source.read(LENGTH_BYTES)
    if (head.length === 0) return
    const length = head.length < LENGTH_BYTES ? 1 : head.readUInt32BE(0)
    checkSize(length, offset)
    const bytes = await source.read(length)
    if (bytes.length < length) throw cutOff(offset)
    yield { bytes, offset: offset + LENGTH_BYTES }
  }
}

function checkSize(length: number, offset: number): void {
  if (length <= MAX_MESSAGE_BYTES) return
  const limit = `${MAX_MESSAGE_BYTES >> 20} MiB`
  throw new InputProblem(
    { offset },
    `a message of ${length} bytes; at most ${limit} are read. If that is right, write the file in smaller pieces`,
  )
}

function cutOff(offset: number): InputProblem {
  return new InputProblem({ offset }, 'it ends in the middle of the message that begins here; it may have been cut off')
}

/** Value and end of the varint at `p`; an end of -1 where it is not one of 32 bits. */
function varint(bytes: Uint8Array, p: number): [value: number, end: number] {
  let value = 0
  for (let shift = 0; shift < 35 && p < bytes.length; shift += 7) {
    const byte = bytes[p++]!
    value += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) return [value, p]
  }
  return [0, -1]
}
