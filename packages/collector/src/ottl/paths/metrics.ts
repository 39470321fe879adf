import { EvaluationError } from '../error.ts'
import type { Item } from '../node.ts'
import { expected, expectInt } from '../value.ts'
import { attributes, count, int, long, messages, path, text, times, type Path } from './kinds.ts'

/** As the numbers of `METRIC_DATA_TYPE_…` count them. */
const METRIC_TYPES = ['', 'gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary']

export const METRIC: Record<string, Path> = {
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
function only(item: Item, value: unknown, name: string): void {
  if (value === undefined) throw new EvaluationError(`a point of a ${item.point.type} has no ${name}`)
}

export const POINT: Record<string, Path> = {
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
