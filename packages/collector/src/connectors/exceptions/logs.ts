/** Exceptions as log records: the attributes of the span, and what the exception says of itself. */
import { encodeLogs, type AnyValue, type LogRecord } from '@spoor/otlp'
import { text } from '../../processor-helper/index.ts'
import { usualOf, valueOfDimension, type Dimension, type Exception, type ScopeExceptions } from './find.ts'

const ERROR = 17
const STACKTRACE = 'exception.stacktrace'

export function exceptionLogs(found: readonly ScopeExceptions[], dimensions: readonly Dimension[]): Uint8Array {
  return encodeLogs({
    resourceLogs: found.map(({ scope, exceptions }) => ({
      // What is of the resource is among the attributes of each, where it is a dimension; as in the Collector.
      resource: { attributes: [], droppedAttributesCount: 0 },
      schemaUrl: '',
      scopeLogs: [{ scope, schemaUrl: '', logRecords: exceptions.map((each) => recordOf(each, dimensions)) }],
    })),
  })
}

function recordOf(exception: Exception, dimensions: readonly Dimension[]): LogRecord {
  const attributes = new Map<string, AnyValue>(exception.span.map(({ key, value }) => [key, value]))
  for (const [key, value] of usualOf(exception)) attributes.set(key, text(value))
  for (const dimension of dimensions) {
    const value = valueOfDimension(dimension, exception)
    if (value) attributes.set(dimension.name, text(stringOf(value)))
  }
  const trace = exception.event.find(({ key }) => key === STACKTRACE)
  attributes.set(STACKTRACE, text(trace ? stringOf(trace.value) : ''))
  return {
    timeUnixNano: exception.timeUnixNano,
    observedTimeUnixNano: 0n,
    severityNumber: ERROR,
    severityText: 'ERROR',
    body: { type: 'empty' },
    attributes: Array.from(attributes, ([key, value]) => ({ key, value })),
    droppedAttributesCount: 0,
    flags: 0,
    traceId: exception.traceId,
    spanId: exception.spanId,
    eventName: '',
  }
}

/** What is no string is an empty one, as in the Collector. */
function stringOf(value: AnyValue): string {
  return value.type === 'string' ? value.value : ''
}
