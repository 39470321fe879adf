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

/** Tag, length and payload. */
export function lengthDelimited(tag: number, parts: readonly Uint8Array[]): Uint8Array[] {
  let length = 0
  for (const part of parts) length += part.length
  const head = [tag]
  for (; length > 127; length = Math.floor(length / 128)) head.push((length % 128) | 128)
  head.push(length)
  return [Uint8Array.from(head), ...parts]
}
