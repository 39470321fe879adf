import { joinBytes } from '@spoor/otlp'

/*
 * The wire format of messages that have been scanned before: no read goes beyond the message, whatever is in it.
 */

/** The byte after the field at `p`, at most `end`. */
export function fieldEnd(bytes: Uint8Array, p: number, end: number): number {
  const wire = bytes[p]! & 7
  let at = p
  while (at < end && bytes[at++]! >= 128);
  switch (wire) {
    case 0:
      while (at < end && bytes[at++]! >= 128);
      return at
    case 1:
      return Math.min(at + 8, end)
    case 2: {
      let length = 0
      for (let scale = 1; at < end; scale *= 128) {
        const byte = bytes[at++]!
        length += (byte & 127) * scale
        if (byte < 128) break
      }
      return Math.min(at + length, end)
    }
    case 5:
      return Math.min(at + 4, end)
    default:
      return end
  }
}

/** A `KeyValue` of a key and a serialized `AnyValue`. */
export function keyValue(key: Uint8Array, any: Uint8Array): Uint8Array {
  return joinBytes([...lengthDelimited(0x0a, key), ...lengthDelimited(0x12, any)])
}

/** A message of one field. */
export function field(tag: number, content: Uint8Array): Uint8Array {
  return joinBytes(lengthDelimited(tag, content))
}

function lengthDelimited(tag: number, content: Uint8Array): readonly [Uint8Array, Uint8Array] {
  const head = [tag]
  let rest = content.length
  for (; rest > 127; rest = Math.floor(rest / 128)) head.push((rest % 128) | 128)
  head.push(rest)
  return [Uint8Array.from(head), content]
}
