/**
 * Names the field at a byte of a message, for errors: `resourceSpans[0].scopeSpans[0].spans[3].traceId`. Reads as far
 * as the bytes can be read; `''` when the byte is in no known field.
 */
import type { MessageType } from './schema.ts'
import { lengthEnd, LENGTH, next, readTag, skipField } from './wire.ts'

export function pathAt(bytes: Uint8Array, type: MessageType, offset: number): string {
  const path: string[] = []
  let message: MessageType | undefined = type
  let p = 0
  let end = bytes.length
  while (message) {
    const found = fieldAt(bytes, p, end, message, offset)
    if (!found) break
    path.push(found.name)
    message = found.message
    p = found.start
    end = found.end
  }
  return path.join('.')
}

interface Found {
  readonly name: string
  /** Set when the byte is in the content of this message, which is `[start, end)`. */
  readonly message?: MessageType
  readonly start: number
  readonly end: number
}

function fieldAt(bytes: Uint8Array, p: number, end: number, type: MessageType, offset: number): Found | undefined {
  const seen: number[] = []
  let name = ''
  let message: MessageType | undefined
  let start = p
  try {
    while (p < end) {
      name = ''
      message = undefined
      start = p
      const tag = readTag(bytes, p, end)
      start = next
      const field = type.byNumber[tag >>> 3]
      if (field) {
        const index = (seen[field.number] = (seen[field.number] ?? -1) + 1)
        name = field.repeated ? `${field.name}[${index}]` : field.name
      }
      if ((tag & 7) === LENGTH) {
        p = lengthEnd(bytes, start, end)
        start = next
        message = field?.message
      } else p = skipField(bytes, start, end, tag, 0)
      if (offset < p) break
    }
  } catch {
    return name === '' ? undefined : { name, start, end }
  }
  if (name === '' || offset >= p) return undefined
  return message && offset >= start ? { name, message, start, end: p } : { name, start, end: p }
}
