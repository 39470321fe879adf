/** Metrics as Prometheus reads them. The text is written by prom-client; counting itself never goes through it. */
import type { Metric } from 'prom-client'
import type { Counters, HistogramSample } from '../component/index.ts'
import type { MetricCatalogue } from './catalogue.ts'
import type { MetricLevel, PrometheusConfig } from './config.ts'
import { familiesOf, type Family } from './families.ts'

type Labels = Readonly<Record<string, string>>
type Names = Pick<PrometheusConfig, 'without_scope_info' | 'without_units' | 'without_type_suffix'>

export interface PrometheusOptions {
  readonly catalogue: MetricCatalogue
  /** Default: all. */
  readonly level?: MetricLevel
  /** What names and series have beside themselves. Default: nothing. */
  readonly names?: Names
  /** The attributes of the collector, for `target_info`. Default: no such metric. */
  readonly resource?: Labels
}

export const PROMETHEUS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'
const PLAIN: Names = { without_scope_info: true, without_units: true, without_type_suffix: true }
const SCOPE = { otel_scope_name: 'spoor/collector' }
const UNITS: Readonly<Record<string, string>> = { s: 'seconds', By: 'bytes' }

/** Text of version 0.0.4, with a line of help and of type for each name. */
export async function prometheusText(counters: Counters, options: PrometheusOptions): Promise<string> {
  const { catalogue, level, names = PLAIN, resource } = options
  // It brings nearly a hundred modules, which a start need not wait for.
  const { Registry } = await import('prom-client')
  const registry = new Registry()
  const add = (name: string, type: string, help: string, values: readonly object[]): void => {
    const metric = { name, get: async () => ({ name, type, help, values }) }
    registry.registerMetric(metric as unknown as Metric)
  }
  for (const family of familiesOf(counters, catalogue, level)) {
    const name = nameOf(family, names)
    const more = names.without_scope_info ? {} : SCOPE
    add(name, family.info?.type ?? 'untyped', family.info?.help ?? '', [
      ...family.samples.map(({ labels, value }) => ({ labels: { ...labels, ...more }, value })),
      ...family.histograms.flatMap((each) => bucketsOf(name, each, more)),
    ])
  }
  if (resource) {
    const labels = Object.fromEntries(Object.entries(resource).map(([key, value]) => [labelName(key), value]))
    add('target_info', 'gauge', 'Target metadata', [{ labels, value: 1 }])
  }
  return registry.metrics()
}

function nameOf({ name, info }: Family, { without_units: isWithoutUnit, without_type_suffix: isPlain }: Names): string {
  const unit = UNITS[info?.unit ?? '']
  const named = isWithoutUnit || unit === undefined || name.endsWith(`_${unit}`) ? name : `${name}_${unit}`
  return isPlain || info?.type !== 'counter' || named.endsWith('_total') ? named : `${named}_total`
}

function bucketsOf(name: string, { bounds, counts, count, sum, labels }: HistogramSample, more: Labels): object[] {
  let below = 0
  const buckets = counts.map((own, index) => {
    below += own
    const le = bounds[index] === undefined ? '+Inf' : String(bounds[index])
    return { metricName: `${name}_bucket`, labels: { ...labels, ...more, le }, value: below }
  })
  const all = { ...labels, ...more }
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels: all, value: sum },
    { metricName: `${name}_count`, labels: all, value: count },
  ]
}

function labelName(key: string): string {
  return key.replaceAll(/[^a-zA-Z0-9_]/g, '_').replace(/^(?=\d)/, '_')
}
