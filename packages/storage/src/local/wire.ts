/**
 * Reads single fields of messages that the scanner has already walked. A message whose inner fields are malformed (the
 * scanner leaves attribute values alone) ends the walk early instead of throwing: such an attribute just is not found.
 */

/** The value of the varint read last, as an unsigned number (inexact beyond 2^53), and where the next byte is. */
export interface Cursor {
  p: number
  end: number
  /** Of the field that {@link nextField} stopped at. */
  field: number
  wire: number
  /** The payload's range; for a varint, the varint itself. */
  start: number
  stop: number
}

export function cursor(start: number, end: number): Cursor {
  return { p: start, end, field: 0, wire: 0, start: 0, stop: 0 }
}

/** Steps to the next field of the message. False at its end, or where it makes no sense any more. */
export function nextField(bytes: Uint8Array, at: Cursor): boolean {
  if (at.p >= at.end) return false
  const tag = varint(bytes, at)
  at.field = tag >>> 3
  at.wire = tag & 7
  at.start = at.p
  switch (at.wire) {
    case 0:
      varint(bytes, at)
      break
    case 1:
      at.p += 8
      break
    case 2: {
      const length = varint(bytes, at)
      at.start = at.p
      at.p += length
      break
    }
    case 5:
      at.p += 4
      break
    default:
      return false
  }
  at.stop = at.p
  return at.p <= at.end
}

function varint(bytes: Uint8Array, at: Cursor): number {
  let value = 0
  let scale = 1
  while (at.p < at.end) {
    const byte = bytes[at.p++]!
    value += (byte & 127) * scale
    if (byte < 128) return value
    scale *= 128
  }
  at.p = at.end + 1
  return value
}
