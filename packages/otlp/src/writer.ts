/**
 * Writes protobuf from the end to the start: a message's length is known when its content is there, so nothing is
 * measured beforehand and nothing moved. Callers write the last field first.
 */
import { utf8Bytes } from './text.ts'

export interface Writer {
  bytes: Uint8Array
  /** The first byte that is written; all bytes from here to the end are. */
  at: number
}

export function createWriter(capacity = 4096): Writer {
  return { bytes: new Uint8Array(capacity), at: capacity }
}

/** What was written. Belongs to the caller; copied when much room is left over, which would stay in memory with it. */
export function finish(writer: Writer): Uint8Array {
  const { bytes, at } = writer
  return at > bytes.length / 8 ? bytes.slice(at) : bytes.subarray(at)
}

/** A mark for {@link closeMessage}, taken before a message's content is written. */
export function mark(writer: Writer): number {
  return writer.bytes.length - writer.at
}

/** Makes room for `size` bytes before the first one and returns where they begin. */
function reserve(writer: Writer, size: number): number {
  if (size > writer.at) {
    const written = writer.bytes.length - writer.at
    const capacity = Math.max(writer.bytes.length * 2, written + size)
    const bytes = new Uint8Array(capacity)
    bytes.set(writer.bytes.subarray(writer.at), capacity - written)
    writer.bytes = bytes
    writer.at = capacity - written
  }
  writer.at -= size
  return writer.at
}

/** Completes a length-delimited field whose content was written since `from`, a value of {@link mark}. */
export function closeMessage(writer: Writer, tag: number, from: number): void {
  const length = mark(writer) - from
  writeVarint(writer, length)
  writeVarint(writer, tag)
}

/** Bytes that {@link writeVarint} takes for a value of at most 2^53. */
export function varintSize(value: number): number {
  let size = 1
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) size++
  return size
}

/** An unsigned varint of at most 2^53. */
export function writeVarint(writer: Writer, value: number): void {
  let p = reserve(writer, varintSize(value))
  const bytes = writer.bytes
  while (value > 127) {
    bytes[p++] = (value % 128) | 128
    value = Math.floor(value / 128)
  }
  bytes[p] = value
}

/** A varint of a 64-bit number; negative ones as their two's complement. */
export function writeVarint64(writer: Writer, value: bigint): void {
  if (value >= 0n && value < 9007199254740992n) {
    writeVarint(writer, Number(value))
    return
  }
  let rest = BigInt.asUintN(64, value)
  let size = 1
  for (let left = rest >> 7n; left > 0n; left >>= 7n) size++
  let p = reserve(writer, size)
  for (; size > 1; size--) {
    writer.bytes[p++] = Number(rest & 127n) | 128
    rest >>= 7n
  }
  writer.bytes[p] = Number(rest)
}

export function writeFixed32(writer: Writer, value: number): void {
  const p = reserve(writer, 4)
  for (let i = 0; i < 4; i++) writer.bytes[p + i] = value >>> (8 * i)
}

export function writeFixed64(writer: Writer, value: bigint): void {
  writeFixed32(writer, Number((value >> 32n) & 0xffffffffn))
  writeFixed32(writer, Number(value & 0xffffffffn))
}

const float = new DataView(new ArrayBuffer(8))

export function writeDouble(writer: Writer, value: number): void {
  float.setFloat64(0, value)
  writeFixed32(writer, float.getUint32(0))
  writeFixed32(writer, float.getUint32(4))
}

/** The bytes in `[start, end)` as they are, without a tag or length. */
export function writeRange(writer: Writer, bytes: Uint8Array, start: number, end: number): void {
  const p = reserve(writer, end - start)
  // A call of set() costs as much as copying some dozen bytes, as ids are.
  if (end - start > 32) writer.bytes.set(bytes.subarray(start, end), p)
  else for (let i = start; i < end; i++) writer.bytes[p + i - start] = bytes[i]!
}

export function writeBytes(writer: Writer, tag: number, bytes: Uint8Array): void {
  writeRange(writer, bytes, 0, bytes.length)
  writeVarint(writer, bytes.length)
  writeVarint(writer, tag)
}

export function writeString(writer: Writer, tag: number, text: string): void {
  const length = text.length
  const p = reserve(writer, length)
  const bytes = writer.bytes
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i)
    if (code > 127) {
      writer.at += length
      writeBytes(writer, tag, utf8Bytes(text))
      return
    }
    bytes[p + i] = code
  }
  writeVarint(writer, length)
  writeVarint(writer, tag)
}
