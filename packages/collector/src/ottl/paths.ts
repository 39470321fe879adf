/** What paths there are in each context, and what they read and set. */
import type { LogRecordView } from '@spoor/otlp'
import { isSame } from './compare.ts'
import { EvaluationError } from './error.ts'
import { mapPath, setMap, valueAt, withValueAt, type Keys } from './indexing.ts'
import type { Item, PathNode } from './node.ts'
import { valueText } from './text.ts'
import { withTraceState, traceStateAt } from './trace-state.ts'
import {
  expected,
  expectInt,
  expectString,
  fromAny,
  Id,
  Messages,
  Time,
  toAny,
  typeName,
  type LiveMap,
  type Value,
} from './value.ts'

/** Whose paths they are: the first word of a path. */
export type Owner = 'resource' | 'scope' | 'span' | 'spanevent' | 'metric' | 'datapoint' | 'log'

/** A path, with what can stand behind it. */
export interface Path extends PathNode {
  readonly fields?: Readonly<Record<string, Path>>
  readonly at?: (keys: Keys) => PathNode
}

function path(get: (item: Item) => Value, set: (item: Item, value: Value) => void, more: Partial<Path> = {}): Path {
  return { get, set, ...more }
}

const text = (get: (item: Item) => string, set: (item: Item, text: string) => void): Path =>
  path(get, (item, value) => set(item, expectString(value)))

const int = (get: (item: Item) => number | undefined, set: (item: Item, int: number) => void): Path =>
  path(
    (item) => {
      const value = get(item)
      return value === undefined ? undefined : BigInt(value)
    },
    (item, value) => set(item, Number(BigInt.asIntN(32, expectInt(value)))),
  )

/** 32 bits without a sign. */
const count = (get: (item: Item) => number, set: (item: Item, count: number) => void): Path =>
  path(
    (item) => BigInt(get(item)),
    (item, value) => set(item, Number(BigInt.asUintN(32, expectInt(value)))),
  )

const long = (get: (item: Item) => bigint | undefined, set: (item: Item, long: bigint) => void): Path =>
  path(
    (item) => {
      const value = get(item)
      return value === undefined ? undefined : BigInt.asIntN(64, value)
    },
    (item, value) => set(item, BigInt.asUintN(64, expectInt(value))),
  )

/** The same as nanoseconds, and as a time. */
function times(
  name: string,
  get: (item: Item) => bigint,
  set: (item: Item, nanos: bigint) => void,
): Record<string, Path> {
  return {
    [`${name}_unix_nano`]: long(get, set),
    [name]: path(
      (item) => new Time(get(item)),
      (item, value) =>
        value instanceof Time ? set(item, BigInt.asUintN(64, value.nanos)) : expected('time', value),
    ),
  }
}

function id(kind: Id['kind'], get: (item: Item) => string, set: (item: Item, hex: string) => void): Path {
  const digits = kind === 'trace' ? 32 : 16
  return path(
    (item) => new Id(kind, get(item)),
    (item, value) =>
      value instanceof Id && value.kind === kind ? set(item, value.field) : expected(`${kind} id`, value),
    {
      fields: {
        string: text(
          (item) => get(item) || '0'.repeat(digits),
          (item, hex) => {
            if (hex.length !== digits || !/^[0-9a-fA-F]*$/.test(hex))
              throw new EvaluationError(`${JSON.stringify(hex)} is no ${kind} id; one has ${digits} hex digits`)
            set(item, new Id(kind, hex.toLowerCase()).field)
          },
        ),
      },
    },
  )
}

function attributes(map: (item: Item) => LiveMap): Path {
  return path(map, (item, value) => setMap(map(item), value), { at: (keys) => mapPath(map, keys) })
}

function messages(count: (item: Item) => number): Path {
  return path(
    (item) => new Messages(count(item)),
    () => {
      throw new EvaluationError('it cannot be set as a whole')
    },
  )
}

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

const RESOURCE: Record<string, Path> = {
  attributes: attributes((item) => item.resource.attributes),
  dropped_attributes_count: count(
    (item) => item.resource.droppedAttributesCount,
    (item, value) => (item.resource.droppedAttributesCount = value),
  ),
  schema_url: text(
    (item) => item.resource.schemaUrl,
    (item, url) => (item.resource.schemaUrl = url),
  ),
}

const SCOPE: Record<string, Path> = {
  name: text(
    (item) => item.scope.name,
    (item, name) => (item.scope.name = name),
  ),
  version: text(
    (item) => item.scope.version,
    (item, version) => (item.scope.version = version),
  ),
  attributes: attributes((item) => item.scope.attributes),
  dropped_attributes_count: count(
    (item) => item.scope.droppedAttributesCount,
    (item, value) => (item.scope.droppedAttributesCount = value),
  ),
  schema_url: text(
    (item) => item.scope.schemaUrl,
    (item, url) => (item.scope.schemaUrl = url),
  ),
}

const SPAN: Record<string, Path> = {
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
      const name = expectString(key.get({} as Item))
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

const EVENT: Record<string, Path> = {
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

/** What a body, which can be anything, is set to. */
function setBody(log: LogRecordView, value: Value): void {
  const any = toAny(value)
  if (!any) throw new EvaluationError(`a ${typeName(value)} cannot be a body`)
  if (!isSame(log.body, any)) log.body = any
}

const LOG: Record<string, Path> = {
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

/** As the numbers of `METRIC_DATA_TYPE_…` count them. */
const METRIC_TYPES = ['', 'gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary']

const METRIC: Record<string, Path> = {
  name: text(
    (item) => item.metric.name,
    (item, name) => (item.metric.name = name),
  ),
  description: text(
    (item) => item.metric.description,
    (item, description) => (item.metric.description = description),
  ),
  unit: text(
    (item) => item.metric.unit,
    (item, unit) => (item.metric.unit = unit),
  ),
  type: path(
    (item) => BigInt(METRIC_TYPES.indexOf(item.metric.type ?? '')),
    () => {},
  ),
  aggregation_temporality: int(
    (item) => item.metric.aggregationTemporality,
    (item, temporality) => {
      if (item.metric.aggregationTemporality !== undefined) item.metric.aggregationTemporality = temporality
    },
  ),
  is_monotonic: path(
    (item) => item.metric.isMonotonic,
    (item, value) => {
      if (typeof value !== 'boolean') expected('bool', value)
      else if (item.metric.isMonotonic !== undefined) item.metric.isMonotonic = value
    },
  ),
  data_points: messages((item) => item.metric.pointCount),
  metadata: attributes((item) => item.metric.metadata),
}

/** For a kind of point that does not have it. */
function only<T>(item: Item, value: T | undefined, name: string): void {
  if (value === undefined) throw new EvaluationError(`a point of a ${item.point.type} has no ${name}`)
}

const POINT: Record<string, Path> = {
  attributes: attributes((item) => item.point.attributes),
  ...times(
    'start_time',
    (item) => item.point.startTimeUnixNano,
    (item, nanos) => (item.point.startTimeUnixNano = nanos),
  ),
  ...times(
    'time',
    (item) => item.point.timeUnixNano,
    (item, nanos) => (item.point.timeUnixNano = nanos),
  ),
  // A number of the other type, and no number, is 0, as in the Collector.
  value_double: path(
    (item) => (hasNumber(item) ? (typeof item.point.number === 'number' ? item.point.number : 0) : undefined),
    (item, value) => {
      if (typeof value !== 'number') expected('double', value)
      else if (hasNumber(item)) item.point.number = value
      else only(item, undefined, 'value')
    },
  ),
  value_int: path(
    (item) => (hasNumber(item) ? (typeof item.point.number === 'bigint' ? item.point.number : 0n) : undefined),
    (item, value) => {
      const int = expectInt(value)
      if (hasNumber(item)) item.point.number = int
      else only(item, undefined, 'value')
    },
  ),
  flags: count(
    (item) => item.point.flags,
    (item, flags) => (item.point.flags = flags),
  ),
  count: long(
    (item) => item.point.count,
    (item, value) => {
      only(item, item.point.count, 'count')
      item.point.count = value
    },
  ),
  sum: path(
    (item) => (hasNumber(item) ? undefined : (item.point.sum ?? 0)),
    (item, value) => {
      if (typeof value !== 'number') expected('double', value)
      else if (hasNumber(item)) only(item, undefined, 'sum')
      else item.point.sum = value
    },
  ),
}

function hasNumber(item: Item): boolean {
  return item.point.type === 'gauge' || item.point.type === 'sum'
}

export const PATHS: Readonly<Record<Owner, Readonly<Record<string, Path>>>> = {
  resource: RESOURCE,
  scope: SCOPE,
  span: SPAN,
  spanevent: EVENT,
  metric: METRIC,
  datapoint: POINT,
  log: LOG,
}

/** That of the context itself, whichever it is. */
export const CACHE: Path = attributes((item) => item.cache)

/** Paths of otelcol that nobody can read here yet. */
export const MISSING: Partial<Record<Owner, readonly string[]>> = {
  spanevent: ['event_index'],
  datapoint: [
    ...['exemplars', 'bucket_counts', 'explicit_bounds', 'scale', 'zero_count'],
    ...['positive', 'negative', 'quantile_values'],
  ],
}
