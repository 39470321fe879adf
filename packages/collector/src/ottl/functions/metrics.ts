/** Whether a metric has points of a kind. */
import type { AnyValue, MetricView } from '@spoor/otlp'
import { EvaluationError } from '../error.ts'
import { defineFunction } from '../function.ts'
import { writtenString } from '../parameters.ts'

/** That of the first point that has one. */
function firstValue(metric: MetricView, key: string): AnyValue | undefined {
  if (metric.type === undefined) throw new EvaluationError('the metric has no type, and so no points')
  let found: AnyValue | undefined
  metric.forEachPoint(({ attributes }) => {
    found ??= attributes.get(key)
  })
  return found
}

export const METRICS = [
  defineFunction(
    'HasAttrKeyOnDatapoint',
    { key: writtenString },
    ({ key }) =>
      ({ metric }) =>
        firstValue(metric, key) !== undefined,
    ['metric'],
  ),
  // Only the first point that has the attribute counts, and what is no text is as an empty one, as in the Collector.
  defineFunction(
    'HasAttrOnDatapoint',
    { key: writtenString, expectedVal: writtenString },
    ({ key, expectedVal }) =>
      ({ metric }) => {
        const value = firstValue(metric, key)
        return value !== undefined && (value.type === 'string' ? value.value : '') === expectedVal
      },
    ['metric'],
  ),
]
