/** The resources of a request, for what goes by resource and looks no further; the same for all three signals. */
import { decodeResourceHeader } from './decode.ts'
import type { Resource } from './model.ts'
import { LENGTH, lengthEnd, next, readTag, skipField } from './wire.ts'

/** One `ResourceSpans`, `ResourceMetrics` or `ResourceLogs` of a request. */
export interface ResourcePart {
  readonly resource: Resource
  /** It alone, as a request of its own: a view on the bytes of the whole. */
  readonly bytes: Uint8Array
}

const RESOURCES_TAG = (1 << 3) | LENGTH
/** The request itself: of its fields, only this one is known. */
const KNOWN = 1 << 1

/** In their order. Throws {@link OtlpError} where the bytes are no request. */
export function resourceParts(bytes: Uint8Array): ResourcePart[] {
  const parts: ResourcePart[] = []
  let p = 0
  while (p < bytes.length) {
    const start = p
    const tag = readTag(bytes, p, bytes.length)
    p = next
    if (tag !== RESOURCES_TAG) {
      p = skipField(bytes, p, bytes.length, tag, KNOWN)
      continue
    }
    const end = lengthEnd(bytes, p, bytes.length)
    const { resource } = decodeResourceHeader(bytes, next, end)
    parts.push({ resource, bytes: bytes.subarray(start, end) })
    p = end
  }
  return parts
}
