import { EvaluationError } from '../error.ts'
import { NO_ITEM } from '../node.ts'
import { traceStateAt, withTraceState } from '../trace-state.ts'
import { expectInt, expectString } from '../value.ts'
import { attributes, count, id, int, messages, path, text, times, type Path } from './kinds.ts'

function kindNames(names: readonly string[]): Path {
  return text(
    (item) => names[item.span.kind] ?? '',
    (item, name) => {
      const kind = names.indexOf(name)
      if (kind < 0) throw new EvaluationError(`unknown span kind ${JSON.stringify(name)}; known: ${names.join(', ')}`)
      item.span.kind = kind
    },
  )
}

const KINDS = ['Unspecified', 'Internal', 'Server', 'Client', 'Producer', 'Consumer']

export const SPAN: Record<string, Path> = {
  trace_id: id(
    'trace',
    (item) => item.span.traceId,
    (item, hex) => (item.span.traceId = hex),
  ),
  span_id: id(
    'span',
    (item) => item.span.spanId,
    (item, hex) => (item.span.spanId = hex),
  ),
  parent_span_id: id(
    'span',
    (item) => item.span.parentSpanId,
    (item, hex) => (item.span.parentSpanId = hex),
  ),
  trace_state: {
    ...text(
      (item) => item.span.traceState,
      (item, state) => (item.span.traceState = state),
    ),
    at: ([key, ...rest]) => {
      if (rest.length > 0 || !key.isLiteral) throw new EvaluationError('trace_state takes one key, a string')
      const name = expectString(key.get(NO_ITEM))
      return {
        get: (item) => traceStateAt(item.span.traceState, name),
        set: (item, value) => (item.span.traceState = withTraceState(item.span.traceState, name, expectString(value))),
      }
    },
  },
  name: text(
    (item) => item.span.name,
    (item, name) => (item.span.name = name),
  ),
  kind: {
    ...int(
      (item) => item.span.kind,
      (item, kind) => (item.span.kind = kind),
    ),
    fields: {
      string: kindNames(KINDS),
      deprecated_string: kindNames(KINDS.map((name) => `SPAN_KIND_${name.toUpperCase()}`)),
    },
  },
  ...times(
    'start_time',
    (item) => item.span.startTimeUnixNano,
    (item, nanos) => (item.span.startTimeUnixNano = nanos),
  ),
  ...times(
    'end_time',
    (item) => item.span.endTimeUnixNano,
    (item, nanos) => (item.span.endTimeUnixNano = nanos),
  ),
  attributes: attributes((item) => item.span.attributes),
  dropped_attributes_count: count(
    (item) => item.span.droppedAttributesCount,
    (item, value) => (item.span.droppedAttributesCount = value),
  ),
  events: messages((item) => item.span.eventCount),
  dropped_events_count: count(
    (item) => item.span.droppedEventsCount,
    (item, value) => (item.span.droppedEventsCount = value),
  ),
  links: messages((item) => item.span.linkCount),
  dropped_links_count: count(
    (item) => item.span.droppedLinksCount,
    (item, value) => (item.span.droppedLinksCount = value),
  ),
  status: {
    ...messages(() => 1),
    fields: {
      code: int(
        (item) => item.span.statusCode,
        (item, code) => (item.span.statusCode = code),
      ),
      message: text(
        (item) => item.span.statusMessage,
        (item, message) => (item.span.statusMessage = message),
      ),
    },
  },
  flags: path(
    (item) => BigInt(item.span.flags),
    (item, value) => {
      const flags = expectInt(value)
      if (flags < 0n || flags >= 2n ** 32n) throw new EvaluationError(`${flags} has more than 32 bits`)
      item.span.flags = Number(flags)
    },
  ),
}

export const EVENT: Record<string, Path> = {
  ...times(
    'time',
    (item) => item.event.timeUnixNano,
    (item, nanos) => (item.event.timeUnixNano = nanos),
  ),
  name: text(
    (item) => item.event.name,
    (item, name) => (item.event.name = name),
  ),
  attributes: attributes((item) => item.event.attributes),
  dropped_attributes_count: count(
    (item) => item.event.droppedAttributesCount,
    (item, value) => (item.event.droppedAttributesCount = value),
  ),
}
