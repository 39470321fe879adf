/**
 * Protobuf, written from the end to the start: a message's length is known once its content is there, so nothing is
 * measured beforehand and nothing moved. Callers write the last field first. There is one scratch for the thread,
 * because an encoder never yields.
 */
let scratch = Buffer.allocUnsafeSlow(16_384)
let at = scratch.length

/** Forgets what was written. */
export function begin(): void {
  at = scratch.length
}

/** What was written since {@link begin}; valid until then. */
export function written(): Buffer {
  return scratch.subarray(at)
}

/** How much was written: taken before a message's content, and given to {@link closeMessage} after it. */
export function mark(): number {
  return scratch.length - at
}

/** Makes room before what is written, and returns where it begins. The scratch may be another one after it. */
function reserve(size: number): number {
  if (size > at) {
    const used = scratch.length - at
    const larger = Buffer.allocUnsafeSlow(Math.max(scratch.length * 2, used + size))
    scratch.copy(larger, larger.length - used, at)
    scratch = larger
    at = larger.length - used
  }
  return (at -= size)
}

/** Completes a length-delimited field whose content was written since `from`. */
export function closeMessage(tag: number, from: number): void {
  writeVarint(mark() - from)
  writeVarint(tag)
}

/** An unsigned integer of at most 2^53. */
export function writeVarint(value: number): void {
  let size = 1
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) size++
  let p = reserve(size)
  for (let rest = value; size > 0; size--) {
    scratch[p++] = size > 1 ? (rest % 128) | 128 : rest
    rest = Math.floor(rest / 128)
  }
}

/** A signed safe integer; negative ones as the ten bytes of their two's complement. */
export function writeInteger(value: number): void {
  if (value >= 0) {
    writeVarint(value)
    return
  }
  let p = reserve(10)
  for (let rest = BigInt.asUintN(64, BigInt(value)), left = 10; left > 0; left--) {
    scratch[p++] = Number(rest & 127n) | (left > 1 ? 128 : 0)
    rest >>= 7n
  }
}

export function writeFixed32(value: number): void {
  const p = reserve(4)
  scratch[p] = value
  scratch[p + 1] = value >>> 8
  scratch[p + 2] = value >>> 16
  scratch[p + 3] = value >>> 24
}

export function writeDouble(value: number): void {
  const p = reserve(8)
  scratch.writeDoubleLE(value, p)
}

/** Nanoseconds since 1970 as a fixed64, from seconds and nanoseconds. A time before 1970, or none at all, is 0. */
export function writeTime(seconds: number, nanoseconds: number): void {
  if (!(seconds >= 0)) seconds = nanoseconds = 0
  // In two halves, since a product of a billion is beyond what a double holds.
  const high = Math.floor(seconds / 65_536) * 1e9
  const low = (high % 65_536) * 65_536 + (seconds % 65_536) * 1e9 + nanoseconds
  writeFixed32(Math.floor(high / 65_536) + Math.floor(low / 2 ** 32))
  writeFixed32(low)
}

/** `text` as UTF-8, with its length and tag. */
export function writeString(tag: number, text: string): void {
  const { length } = text
  let p = reserve(length)
  // A call into the runtime costs as much as some 40 characters.
  let i = 0
  if (length < 40) {
    for (; i < length; i++) {
      const code = text.charCodeAt(i)
      if (code > 127) break
      scratch[p++] = code
    }
  }
  if (i < length) {
    at += length
    const size = Buffer.byteLength(text)
    p = reserve(size)
    scratch.write(text, p, size)
    writeVarint(size)
  } else writeVarint(length)
  writeVarint(tag)
}

/** Bytes as they are, with their length and tag. */
export function writeBytes(tag: number, bytes: Uint8Array): void {
  const p = reserve(bytes.length)
  scratch.set(bytes, p)
  writeVarint(bytes.length)
  writeVarint(tag)
}

/** An id of hex digits as bytes, with its length and tag. */
export function writeId(tag: number, hex: string): void {
  const size = hex.length >> 1
  let p = reserve(size)
  for (let i = 0; i < size; i++) {
    scratch[p++] = (hexDigit(hex.charCodeAt(2 * i)) << 4) | hexDigit(hex.charCodeAt(2 * i + 1))
  }
  writeVarint(size)
  writeVarint(tag)
}

function hexDigit(code: number): number {
  return code < 58 ? code - 48 : (code | 32) - 87
}
