/** Metrics as an `ExportMetricsServiceRequest`: cumulative sums, gauges and histograms. */
import { countItems, createBatch, metricsFromJson, type TelemetryBatch } from '@spoor/otlp'
import type { Counters } from '../component/index.ts'
import type { MetricCatalogue } from './catalogue.ts'
import type { MetricLevel } from './config.ts'
import { familiesOf, type Family } from './families.ts'

export interface OtlpMetricsOptions {
  readonly catalogue: MetricCatalogue
  readonly level: MetricLevel
  readonly resource: Readonly<Record<string, string>>
  /** Since when counters count, in nanoseconds since 1970. */
  readonly startUnixNano: bigint
}

const CUMULATIVE = 2

/** Undefined where there is nothing to tell. */
export function otlpMetrics(counters: Counters, options: OtlpMetricsOptions): TelemetryBatch | undefined {
  const { catalogue, level, resource, startUnixNano } = options
  const at = { startTimeUnixNano: String(startUnixNano), timeUnixNano: String(BigInt(Date.now()) * 1_000_000n) }
  const metrics = familiesOf(counters, catalogue, level).map((family) => metricOf(family, at))
  const scopeMetrics = [{ scope: { name: 'spoor/collector' }, metrics }]
  const request = { resourceMetrics: [{ resource: { attributes: attributesOf(resource) }, scopeMetrics }] }
  const bytes = metricsFromJson(JSON.stringify(request))
  const items = countItems('metrics', bytes)
  return items === 0 ? undefined : createBatch('metrics', [{ bytes, items }])
}

function metricOf({ name, info, samples, histograms }: Family, at: object): object {
  const about = { name, description: info?.help ?? '', unit: info?.unit ?? '' }
  if (histograms.length > 0) {
    const dataPoints = histograms.map(({ labels, bounds, counts, count, sum }) => ({
      ...at,
      attributes: attributesOf(labels),
      explicitBounds: bounds,
      bucketCounts: counts.map(String),
      count: String(count),
      sum,
    }))
    return { ...about, histogram: { aggregationTemporality: CUMULATIVE, dataPoints } }
  }
  const dataPoints = samples.map(({ labels, value }) => ({
    ...at,
    attributes: attributesOf(labels),
    ...(Number.isSafeInteger(value) ? { asInt: String(value) } : { asDouble: value }),
  }))
  if (info?.type !== 'counter') return { ...about, gauge: { dataPoints } }
  return { ...about, sum: { isMonotonic: true, aggregationTemporality: CUMULATIVE, dataPoints } }
}

function attributesOf(labels: Readonly<Record<string, string>>): object[] {
  return Object.entries(labels).map(([key, stringValue]) => ({ key, value: { stringValue } }))
}
