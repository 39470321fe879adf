const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** Lower-case hex of the bytes in `[start, end)`. */
export function bytesToHex(bytes: Uint8Array, start = 0, end = bytes.length): string {
  let hex = ''
  for (let i = start; i < end; i++) hex += HEX[bytes[i]!]!
  return hex
}

/**
 * The bytes that hex digits of either case stand for. Throws `RangeError` for an odd number of digits or another
 * character.
 */
export function hexToBytes(hex: string): Uint8Array {
  const bytes = new Uint8Array(hex.length >> 1)
  if (hex.length % 2 === 1) throw new RangeError(`"${hex}" has an odd number of hex digits`)
  for (let i = 0; i < bytes.length; i++) {
    const value = (digit(hex.charCodeAt(2 * i)) << 4) | digit(hex.charCodeAt(2 * i + 1))
    if (value < 0) throw new RangeError(`"${hex}" is not hex: only digits 0-9, a-f and A-F`)
    bytes[i] = value
  }
  return bytes
}

/** The value of a hex digit, or -1. */
function digit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48
  const lower = code | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}

/** An id as hex; `''` when its bytes are absent or all zero, which OTLP says is no id. */
export function idToHex(bytes: Uint8Array, start: number, end: number): string {
  for (let i = start; i < end; i++) if (bytes[i] !== 0) return bytesToHex(bytes, start, end)
  return ''
}
