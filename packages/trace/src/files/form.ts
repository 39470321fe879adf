/** The form of a file's content. `empty`: there is nothing in it. */
export type Form = 'json' | 'message' | 'frames' | 'empty' | 'unknown'

export function isZstd(bytes: Uint8Array): boolean {
  return bytes[0] === 0x28 && bytes[1] === 0xb5 && bytes[2] === 0x2f && bytes[3] === 0xfd
}

export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b
}

/**
 * Told by the first 64 KiB or so of a content that is not compressed. White space and a bracket begin a JSON text. A serialized message may begin so too; it
 * has control characters, which no JSON text has.
 */
export function formOf(head: Uint8Array): Form {
  if (head.length === 0) return 'empty'
  const text = latin.decode(head)
  if (/^(\u00ef\u00bb\u00bf)?[\t\n\r ]*$/.test(text)) return 'empty'
  // eslint-disable-next-line no-control-regex
  if (/^(\u00ef\u00bb\u00bf)?[\t\n\r ]*[[{]/.test(text) && !/[\0-\x08\x0b\x0c\x0e-\x1f]/.test(text)) return 'json'
  if (head[0] === 0x0a) return 'message'
  const framed = head.subarray(4)
  if (framed[0] === 0x0a || framed[0] === 0x7b || isZstd(framed)) return 'frames'
  return 'unknown'
}

/** A character a byte; those of ASCII are as they are. */
const latin = new TextDecoder('latin1')
