import type { SpanView } from './span-view.ts'
import { visitMessages } from './wire.ts'

/** Span.links = 13; Link.trace_id = 1, .span_id = 2. */
const LINKS = 0x6a
const TRACE_ID = 0x0a
const SPAN_ID = 0x12

/** The spans that the span of the view links to, each once: six words each, of the trace's id and the span's, as in the columns. Links without valid ids are left out. */
export function spanLinks(view: SpanView): Uint32Array[] {
  const { bytes } = view
  const links = new Map<string, Uint32Array>()
  visitMessages(bytes, ...view.spanRange(), LINKS, (start, end) => {
    const ids = new Uint8Array(24)
    let found = 0
    visitMessages(bytes, start, end, TRACE_ID, (from, to) => {
      if (to - from !== 16) return
      ids.set(bytes.subarray(from, to))
      found |= 1
    })
    visitMessages(bytes, start, end, SPAN_ID, (from, to) => {
      if (to - from !== 8) return
      ids.set(bytes.subarray(from, to), 16)
      found |= 2
    })
    const words = new Uint32Array(ids.buffer)
    if (found === 3) links.set(words.join(), words)
  })
  return [...links.values()]
}
