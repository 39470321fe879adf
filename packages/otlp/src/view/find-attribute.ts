/** Looking for one attribute in the bytes of a message, for who asks for one or two: to know where all are takes longer. */
import { LENGTH, lengthEnd, next, readTag, shortFieldEnd, skipField } from '../wire.ts'

/** What {@link findAttribute} gives where there is none, and where it cannot say. */
export const ABSENT = -1
export const UNSURE = -2

/** The byte after the value that was found last. */
export let valueEnd = 0

const KEY_TAG = 0x0a
const VALUE_TAG = 0x12

/**
 * Where the value (an `AnyValue`, from its first byte to {@link valueEnd}) of the first attribute with that key is, in the message in `[p, end)` whose
 * attributes have that tag. It is found where all before it are short and in the plain form, key and then value, and is itself; the key must be ASCII.
 * Throws {@link OtlpError}.
 */
export function findAttribute(bytes: Uint8Array, p: number, end: number, wanted: number, key: string): number {
  const size = key.length
  while (p < end) {
    const tag = bytes[p]!
    const length = p + 1 < end ? bytes[p + 1]! : 128
    const start = p + 2
    const stop = start + length
    if ((tag & 0x87) !== LENGTH || length > 127 || stop > end) {
      const short = shortFieldEnd(bytes, p, end)
      if (short >= 0) {
        p = short
        continue
      }
      const full = readTag(bytes, p, end)
      if (full !== wanted) {
        p = skipField(bytes, next, end, full, 0) >>> 0
        continue
      }
      // A long one: it is passed over where its key is another.
      const longEnd = lengthEnd(bytes, next, end) >>> 0
      const from = next >>> 0
      if (bytes[from] !== KEY_TAG || bytes[from + 1] === size || !isPlain(bytes, from, longEnd)) return UNSURE
      p = longEnd
      continue
    }
    p = stop
    if (tag !== wanted) continue
    const keyEnd = start + 2 + bytes[start + 1]!
    const from = keyEnd + 2
    if (bytes[start] !== KEY_TAG || from > stop || bytes[keyEnd] !== VALUE_TAG || from + bytes[keyEnd + 1]! !== stop)
      return UNSURE
    if (keyEnd - start - 2 !== size) continue
    let at = size - 1
    while (at >= 0 && bytes[start + 2 + at] === key.charCodeAt(at)) at--
    if (at >= 0) continue
    valueEnd = stop
    return from
  }
  return ABSENT
}

/** Whether a `KeyValue` is a key of fewer than 128 bytes, and then a value. */
function isPlain(bytes: Uint8Array, start: number, end: number): boolean {
  const keyEnd = start + 2 + bytes[start + 1]!
  if (bytes[start + 1]! > 127 || keyEnd >= end || bytes[keyEnd] !== VALUE_TAG) return false
  return lengthEnd(bytes, keyEnd + 1, end) === end
}
