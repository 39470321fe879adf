import type { LogRecordView } from '@spoor/otlp'
import { isSameValue } from '../../processor-helper/index.ts'
import { EvaluationError } from '../error.ts'
import { valueAt, withValueAt } from '../indexing.ts'
import { valueText } from '../../processor-helper/index.ts'
import { fromAny, toAny, typeName, type Value } from '../value.ts'
import { attributes, count, id, int, path, text, times, type Path } from './kinds.ts'

/** What a body, which can be anything, is set to. */
function setBody(log: LogRecordView, value: Value): void {
  const any = toAny(value)
  if (!any) throw new EvaluationError(`a ${typeName(value)} cannot be a body`)
  if (!isSameValue(log.body, any)) log.body = any
}

export const LOG: Record<string, Path> = {
  ...times(
    'time',
    (item) => item.log.timeUnixNano,
    (item, nanos) => (item.log.timeUnixNano = nanos),
  ),
  ...times(
    'observed_time',
    (item) => item.log.observedTimeUnixNano,
    (item, nanos) => (item.log.observedTimeUnixNano = nanos),
  ),
  severity_number: int(
    (item) => item.log.severityNumber,
    (item, number) => (item.log.severityNumber = number),
  ),
  severity_text: text(
    (item) => item.log.severityText,
    (item, severity) => (item.log.severityText = severity),
  ),
  body: path(
    (item) => fromAny(item.log.body),
    (item, value) => setBody(item.log, value),
    {
      fields: {
        string: text(
          (item) => valueText(item.log.body),
          (item, body) => setBody(item.log, body),
        ),
      },
      at: (keys) => ({
        get: (item) => valueAt(indexable(item.log), keys, item),
        set: (item, value) => setBody(item.log, fromAny(withValueAt(indexable(item.log), keys, item, value))),
      }),
    },
  ),
  attributes: attributes((item) => item.log.attributes),
  dropped_attributes_count: count(
    (item) => item.log.droppedAttributesCount,
    (item, value) => (item.log.droppedAttributesCount = value),
  ),
  flags: count(
    (item) => item.log.flags,
    (item, flags) => (item.log.flags = flags),
  ),
  trace_id: id(
    'trace',
    (item) => item.log.traceId,
    (item, hex) => (item.log.traceId = hex),
  ),
  span_id: id(
    'span',
    (item) => item.log.spanId,
    (item, hex) => (item.log.spanId = hex),
  ),
  event_name: text(
    (item) => item.log.eventName,
    (item, name) => (item.log.eventName = name),
  ),
}

function indexable(log: LogRecordView): LogRecordView['body'] {
  const { body } = log
  if (body.type !== 'map' && body.type !== 'array')
    throw new EvaluationError(`a body that is a ${typeName(fromAny(body))} cannot be indexed`)
  return body
}
