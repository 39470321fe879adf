/*
 * Texts that differ only in their numbers: `/orders/004711` is the pattern `/orders/######` and a number. What of a text becomes a hole: decimal digits, and runs
 * of hex digits that look like an id. A hole has as many characters as in the pattern, so that a text is given back character for character.
 *
 * A pattern is its text with each hole as three bytes: 0, the kind, the number of characters. A text with a byte 0 has no holes.
 */

/** `bytes`: any bytes, of ids that are not written as text. */
export const HOLE = { decimal: 1, hex: 2, bytes: 3 } as const

/** Decimal digits of one hole, at most: what a number holds exactly. */
const MAX_DIGITS = 15
/** Hex digits of one hole, at least and at most. */
const MIN_HEX = 8
const MAX_HEX = 64
const MAX_HOLES = 64
/** Bytes of a text that is looked at for holes. */
export const MAX_PATTERN = 4096

/** What {@link findPattern} found. */
export interface FoundPattern {
  /** The pattern; valid up to `length`. */
  readonly bytes: Uint8Array
  length: number
  holes: number
  /** By hole: the first character's offset in the bytes that were read. */
  readonly at: Uint32Array
  readonly kind: Uint8Array
  readonly digits: Uint8Array
}

export function createFoundPattern(): FoundPattern {
  return {
    bytes: new Uint8Array(3 * MAX_PATTERN),
    length: 0,
    holes: 0,
    at: new Uint32Array(MAX_HOLES),
    kind: new Uint8Array(MAX_HOLES),
    digits: new Uint8Array(MAX_HOLES),
  }
}

const DIGIT = 1
/** a to f. */
const HEX = 2
/** Other letters. */
const LETTER = 4
const CLASS = new Uint8Array(256)
for (let c = 0x30; c <= 0x39; c++) CLASS[c] = DIGIT
for (let c = 0x61; c <= 0x7a; c++) CLASS[c] = c <= 0x66 ? HEX : LETTER
for (let c = 0x41; c <= 0x5a; c++) CLASS[c] = LETTER

/** Finds the holes of a text of at most {@link MAX_PATTERN} bytes. */
export function findPattern(bytes: Uint8Array, start: number, end: number, found: FoundPattern): void {
  const out = found.bytes
  let length = 0
  found.holes = 0
  for (let p = start; p < end;) {
    const byte = bytes[p]!
    const type = CLASS[byte]!
    if (type === 0 || type === LETTER) {
      if (byte === 0) {
        found.holes = 0
        out.set(bytes.subarray(start, end))
        found.length = end - start
        return
      }
      out[length++] = byte
      p++
      // Of a word only what comes after it can be a number.
      if (type === LETTER) while (p < end && CLASS[bytes[p]!]! >= HEX) out[length++] = bytes[p++]!
      continue
    }
    let stop = p
    let seen = 0
    while (stop < end && stop - p <= MAX_HEX && CLASS[bytes[stop]!]! & (DIGIT | HEX)) seen |= CLASS[bytes[stop++]!]!
    const isWord = stop < end && CLASS[bytes[stop]!] === LETTER
    let kind = 0
    let digits = stop - p
    if (isUuidPart(bytes, p, stop, start, end)) kind = HOLE.hex
    else if (seen === DIGIT) {
      kind = HOLE.decimal
      digits = Math.min(digits, MAX_DIGITS)
    } else if (seen === (DIGIT | HEX) && !isWord && digits >= MIN_HEX) {
      kind = HOLE.hex
      digits = Math.min(digits, MAX_HEX)
    } else {
      // Letters up to the first digit, or digits up to the first letter.
      const first = type
      digits = 1
      while (p + digits < stop && CLASS[bytes[p + digits]!] === first) digits++
      if (first === DIGIT) {
        kind = HOLE.decimal
        digits = Math.min(digits, MAX_DIGITS)
      }
    }
    if (kind === 0 || found.holes === MAX_HOLES) {
      for (let i = 0; i < digits; i++) out[length++] = bytes[p++]!
      continue
    }
    found.at[found.holes] = p
    found.kind[found.holes] = kind
    found.digits[found.holes++] = digits
    out[length] = 0
    out[length + 1] = kind
    out[length + 2] = digits
    length += 3
    p += digits
  }
  found.length = length
}

/** Whether `[p, stop)` is one of the five parts of a UUID, each between `-` or the ends of the text and of 8, 4 or 12 digits. */
function isUuidPart(bytes: Uint8Array, p: number, stop: number, start: number, end: number): boolean {
  const length = stop - p
  const before = p > start && bytes[p - 1] === DASH
  const after = stop < end && bytes[stop] === DASH
  return (length === 4 && before && after) || (length === 8 && after) || (length === 12 && before)
}

const DASH = 0x2d

/** The number that `digits` decimal characters at `at` are. */
export function decimalAt(bytes: Uint8Array, at: number, digits: number): number {
  let value = 0
  for (let i = 0; i < digits; i++) value = value * 10 + bytes[at + i]! - 0x30
  return value
}

/** The value of a hex digit. */
export function nibbleAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at]!
  return byte < 0x3a ? byte - 0x30 : byte - 0x57
}
