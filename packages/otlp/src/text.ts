/** UTF-8 both ways. Invalid bytes read as U+FFFD; a byte order mark is kept, as it is part of a protobuf string. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const encoder = new TextEncoder()

/** Below this many bytes a loop over ASCII is faster than a call of the platform's decoder. */
const SHORT = 24

export function utf8(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > SHORT) return decoder.decode(bytes.subarray(start, end))
  let text = ''
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!
    if (byte > 127) return decoder.decode(bytes.subarray(start, end))
    text += String.fromCharCode(byte)
  }
  return text
}

export function utf8Bytes(text: string): Uint8Array {
  return encoder.encode(text)
}
