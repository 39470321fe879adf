import type { RecordedError } from '@spoor/trace'
import { readAttribute, textOf } from '../../block/attribute.ts'
import { attributeTarget, type SpanView } from '../span-view.ts'
import { SPAN_PLACES, visitAttributes, visitMessages } from '../wire.ts'

/** Span.events = 11. */
const EVENT = 0x5a
const OF_EVENT = { direct: SPAN_PLACES.event.inner, nested: 0, inner: 0, other: 0, otherInner: 0 }
const ERROR_TYPE = attributeTarget({ attribute: 'error.type', level: 'span' })
const PREFIX = 'exception.'

/** What the span of the view says of errors: its exceptions, or else what its status says. */
export function recordedErrors(view: SpanView): RecordedError[] {
  const { bytes } = view
  const errors: RecordedError[] = []
  visitMessages(bytes, ...view.spanRange(), EVENT, (start, end) => {
    const found: { type?: string; message?: string; stacktrace?: string } = {}
    visitAttributes(bytes, start, end, OF_EVENT, (_, from, to) => {
      const attribute = readAttribute(bytes, from, to)
      if (!attribute?.key.startsWith(PREFIX)) return
      const name = attribute.key.slice(PREFIX.length)
      if (name === 'type' || name === 'message' || name === 'stacktrace') found[name] ??= textOf(attribute.value)
    })
    if (found.type !== undefined || found.message !== undefined) errors.push(found)
  })
  if (errors.length > 0) return errors
  const [type] = view.attributes(ERROR_TYPE)
  return [{ type: type === undefined ? undefined : String(type), message: view.statusMessage() }]
}
