/**
 * The protobuf wire format, read safely: every read is checked against the end of the message that holds it, and
 * whatever is wrong throws an {@link OtlpError} that names the byte.
 *
 * A reader here takes the bytes, a position and the message's end, and returns a value; where it stopped is left in
 * {@link next}. That makes no object per read and lets the callers keep their position in a local variable, which is
 * what the speed of scan, count and decode comes from. `next` must be read before anything else is.
 * Source: protobuf.dev/programming-guides/encoding.
 */
import { OtlpError } from './error.ts'

export const VARINT = 0
export const FIXED64 = 1
export const LENGTH = 2
export const FIXED32 = 5

/** The byte after what was read last; after {@link lengthEnd}, the first byte of the payload. */
export let next = 0

/** The tag (field number << 3 | wire type) at `p`; `p < end` must hold. */
export function readTag(bytes: Uint8Array, p: number, end: number): number {
  const first = bytes[p]!
  if (first < 128) {
    next = p + 1
    return first
  }
  return readLongTag(bytes, p, end)
}

function readLongTag(bytes: Uint8Array, p: number, end: number): number {
  const tag = readVarint(bytes, p, end)
  if (tag > 0xffffffff) throw new OtlpError('wire_type', `byte ${p}: tag ${tag} has more than 32 bits`, { offset: p })
  return tag
}

/**
 * Reads the length at `p` and returns the end of the payload that follows, whose first byte is then {@link next}.
 * The payload lies wholly before `end`.
 */
export function lengthEnd(bytes: Uint8Array, p: number, end: number): number {
  if (p < end) {
    const length = bytes[p]!
    const stop = p + 1 + length
    if (length < 128 && stop <= end) {
      next = p + 1
      return stop
    }
  }
  return longLengthEnd(bytes, p, end)
}

function longLengthEnd(bytes: Uint8Array, p: number, end: number): number {
  const length = readVarint(bytes, p, end)
  const stop = next + length
  if (stop > end) {
    const message = `byte ${p}: a field of ${length} bytes ends ${stop - end} bytes after the message that holds it`
    throw new OtlpError('truncated', message, { offset: p })
  }
  return stop
}

/**
 * An unsigned varint as a number: exact up to 2^53, for tags and lengths. Up to 28 bits it is computed with integer
 * operators: a float, though whole, would slow down all that the caller does with it.
 */
function readVarint(bytes: Uint8Array, p: number, end: number): number {
  let value = 0
  for (let i = p, shift = 0; i < end && shift < 28; i++, shift += 7) {
    const byte = bytes[i]!
    value |= (byte & 127) << shift
    if (byte < 128) {
      next = i + 1
      return value
    }
  }
  return readLongVarint(bytes, p, end)
}

function readLongVarint(bytes: Uint8Array, p: number, end: number): number {
  next = skipVarint(bytes, p, end)
  let value = 0
  for (let i = next - 1; i >= p; i--) value = value * 128 + (bytes[i]! & 127)
  return value
}

/** The low 32 bits of a varint, unsigned: what protobuf reads for uint32, and with `| 0` for int32 and enum. */
export function readUint32(bytes: Uint8Array, p: number, end: number): number {
  let value = 0
  for (let i = p; i < end; i++) {
    const byte = bytes[i]!
    const index = i - p
    if (index < 5) value |= (byte & 127) << (7 * index)
    if (byte < 128) {
      checkTenth(byte, index, p)
      next = i + 1
      return value >>> 0
    }
    if (index >= 9) throw longVarint(p)
  }
  throw truncated(p)
}

/** A varint of up to 64 bits, unsigned. */
export function readUint64(bytes: Uint8Array, p: number, end: number): bigint {
  const stop = skipVarint(bytes, p, end)
  next = stop
  if (stop - p <= 7) {
    let value = 0
    for (let i = stop - 1; i >= p; i--) value = value * 128 + (bytes[i]! & 127)
    return BigInt(value)
  }
  let value = 0n
  for (let i = stop - 1; i >= p; i--) value = (value << 7n) | BigInt(bytes[i]! & 127)
  return value
}

/** The position after the varint at `p`. */
export function skipVarint(bytes: Uint8Array, p: number, end: number): number {
  for (let i = p; i < end; i++) {
    const byte = bytes[i]!
    if (byte < 128) {
      checkTenth(byte, i - p, p)
      return i + 1
    }
    if (i - p >= 9) throw longVarint(p)
  }
  throw truncated(p)
}

/** `p + width`, or an error if the message ends before. */
export function skipFixed(p: number, width: number, end: number): number {
  if (p + width > end) throw truncated(p)
  return p + width
}

/** A little-endian unsigned 32-bit number; the caller has checked that it lies within the message. */
export function uint32At(bytes: Uint8Array, p: number): number {
  return (bytes[p]! | (bytes[p + 1]! << 8) | (bytes[p + 2]! << 16) | (bytes[p + 3]! << 24)) >>> 0
}

export function readFixed32(bytes: Uint8Array, p: number, end: number): number {
  next = skipFixed(p, 4, end)
  return uint32At(bytes, p)
}

export function readFixed64(bytes: Uint8Array, p: number, end: number): bigint {
  next = skipFixed(p, 8, end)
  return (BigInt(uint32At(bytes, p + 4)) << 32n) | BigInt(uint32At(bytes, p))
}

const float = new DataView(new ArrayBuffer(8))

export function readFloat64(bytes: Uint8Array, p: number, end: number): number {
  next = skipFixed(p, 8, end)
  for (let i = 0; i < 8; i++) float.setUint8(i, bytes[p + i]!)
  return float.getFloat64(0, true)
}

/**
 * Steps over a field that the caller does not handle and returns the position after it. `p` is the byte after the tag;
 * `known` has bit n set for each field n (below 32) of the message: such a field is here because its wire type is
 * wrong.
 */
export function skipField(bytes: Uint8Array, p: number, end: number, tag: number, known: number): number {
  const field = tag >>> 3
  if (field === 0) throw new OtlpError('wire_type', `byte ${p - 1}: field number 0`, { offset: p - 1 })
  if (field < 32 && (known >>> field) & 1) {
    throw new OtlpError('wire_type', `byte ${p - 1}: field ${field} has wire type ${tag & 7}`, { offset: p - 1 })
  }
  switch (tag & 7) {
    case VARINT:
      return skipVarint(bytes, p, end)
    case FIXED64:
      return skipFixed(p, 8, end)
    case LENGTH:
      return lengthEnd(bytes, p, end)
    case FIXED32:
      return skipFixed(p, 4, end)
    default:
      throw new OtlpError('wire_type', `byte ${p - 1}: wire type ${tag & 7} of field ${field} is not supported`, {
        offset: p - 1,
      })
  }
}

/**
 * The position after a field that needs no look into it: a number of 8 bytes, or a varint of one, with a tag below 128. -1 for any other, and for what is no field. `p`: its
 * first byte, before `end`.
 */
export function shortFieldEnd(bytes: Uint8Array, p: number, end: number): number {
  const tag = bytes[p]!
  if (tag < 8) return -1
  if ((tag & 0x87) === FIXED64) return p + 9 <= end ? p + 9 : -1
  return (tag & 0x87) === VARINT && p + 2 <= end && bytes[p + 1]! < 128 ? p + 2 : -1
}

/** Checks that an id field of `stop - p` bytes is empty or as long as it must be. */
export function checkId(p: number, stop: number, width: number): void {
  if (stop - p !== width && stop !== p) throw idLength(p, stop - p, width)
}

function idLength(p: number, length: number, width: number): OtlpError {
  const name = width === 16 ? 'trace id' : 'span id'
  return new OtlpError('id_length', `byte ${p}: a ${name} of ${length} bytes, must be ${width}`, { offset: p })
}

function checkTenth(byte: number, index: number, p: number): void {
  if (index === 9 && byte > 1) throw longVarint(p)
}

function truncated(p: number): OtlpError {
  return new OtlpError('truncated', `byte ${p}: the message ends within a field`, { offset: p })
}

function longVarint(p: number): OtlpError {
  return new OtlpError('varint', `byte ${p}: a varint of more than 64 bits`, { offset: p })
}
