/** Series under the names and labels of Prometheus, sorted as it has them. */
import type { Exemplar, KeyValue } from '@spoor/otlp'
import { valueText } from '../../processor-helper/index.ts'
import type { PrometheusConfig } from './config.ts'
import { NameError, type Names } from './names.ts'
import { instanceOf, jobOf, type Stored } from './series.ts'

export type FamilyType = 'counter' | 'gauge' | 'histogram' | 'summary'
export type Labels = readonly (readonly [name: string, value: string])[]

export interface Sample {
  /** Sorted by name. */
  readonly labels: Labels
  /** Milliseconds since 1970. */
  readonly time: number | undefined
  readonly value: number
  readonly exemplars: readonly Exemplar[]
  /** Of histograms and summaries, with `value` as their count. */
  readonly sum?: number
  /** Upper bounds, ascending, each with all that is below it. */
  readonly buckets?: readonly (readonly [bound: number, count: number])[]
  readonly quantiles?: readonly (readonly [quantile: number, value: number])[]
}

export interface Family {
  readonly name: string
  readonly type: FamilyType
  readonly help: string
  readonly samples: Sample[]
}

const NS_PER_MS = 1_000_000n
/** Coarser ones Prometheus does not know. */
const MIN_SCALE = -4
const OF_TARGET = ['service.name', 'service.namespace', 'service.instance.id']

/** `failed`: hears of what cannot be shown. */
export function familiesOf(
  series: readonly Stored[],
  config: PrometheusConfig,
  names: Names,
  failed: (metric: string, why: string) => void,
): Family[] {
  const families = new Map<string, Family>()
  const seen = new Set<string>()
  const add = (name: string, type: FamilyType, help: string, sample: Sample): void => {
    let family = families.get(name)
    if (!family) families.set(name, (family = { name, type, help, samples: [] }))
    if (family.type !== type) throw new NameError(`"${name}" is a ${family.type} already`)
    const key = JSON.stringify([name, sample.labels])
    if (seen.has(key)) throw new NameError(`"${name}" has a series with these labels already`)
    seen.add(key)
    family.samples.push(sample)
  }
  const attempt = (metric: string, show: () => void): void => {
    try {
      show()
    } catch (error) {
      if (!(error instanceof NameError)) throw error
      failed(metric, error.message)
    }
  }
  for (const labels of targetsOf(series, names, attempt))
    attempt('target_info', () =>
      add(names.targetInfo, 'gauge', 'Target metadata', { labels, value: 1, time: undefined, exemplars: [] }),
    )
  for (const stored of series)
    attempt(stored.metric.name, () => {
      const { value, metric } = stored
      const isCounter = value.type === 'number' && value.isCounter
      const isGauge = value.type === 'number' && value.isGauge
      const type = isCounter ? 'counter' : TYPES[value.type]
      const name = names.metric({ name: metric.name, unit: metric.unit, isCounter, isGauge })
      add(name, type, metric.description, sampleOf(stored, config, names))
    })
  const sorted = [...families.values()].sort((a, b) => compare(a.name, b.name))
  for (const { samples } of sorted) samples.sort((a, b) => compareLabels(a.labels, b.labels))
  return sorted
}

const TYPES = { number: 'gauge', histogram: 'histogram', exponential: 'histogram', summary: 'summary' } as const

function sampleOf(stored: Stored, config: PrometheusConfig, names: Names): Sample {
  const { value } = stored
  const { point } = value
  const labels = labelsOf(stored, config, names)
  const time = config.send_timestamps ? Number(point.timeUnixNano / NS_PER_MS) : undefined
  if (value.type === 'number') {
    const { asInt, asDouble = 0, exemplars } = value.point
    return {
      labels,
      time,
      value: asInt === undefined ? asDouble : Number(asInt),
      exemplars: value.isCounter ? exemplars : [],
    }
  }
  const { count, sum = 0 } = value.point
  const whole = { labels, time, value: Number(count), sum, exemplars: [] }
  if (value.type === 'summary') {
    const quantiles = new Map(value.point.quantileValues.map(({ quantile, value }) => [quantile, value]))
    return { ...whole, quantiles: [...quantiles].sort(([a], [b]) => a - b) }
  }
  if (value.type === 'exponential') {
    if (value.point.scale < MIN_SCALE) throw new NameError(`a scale of ${value.point.scale} is too coarse`)
    return { ...whole, buckets: [] }
  }
  const { explicitBounds, bucketCounts, exemplars } = value.point
  const counts = new Map<number, bigint>()
  for (const [i, bound] of explicitBounds.entries()) if (!counts.has(bound)) counts.set(bound, bucketCounts[i] ?? 0n)
  let below = 0n
  const buckets = [...counts].sort(([a], [b]) => a - b).map(([bound, own]) => [bound, Number((below += own))] as const)
  return { ...whole, buckets, exemplars }
}

function labelsOf(stored: Stored, config: PrometheusConfig, names: Names): Labels {
  const { attributes, scope, schemaUrl, resource } = stored
  const labels: [string, string][] = attributes.map(({ key, value }) => [names.label(key), valueText(value)])
  if (!config.without_scope_info) {
    for (const { key, value } of scope.attributes) {
      if (!['name', 'version', 'schema_url'].includes(key))
        labels.push([names.label(`otel_scope_${key}`), valueText(value)])
    }
    labels.push(['otel_scope_name', scope.name], ['otel_scope_version', scope.version])
    labels.push(['otel_scope_schema_url', schemaUrl])
  }
  const [job, instance] = [jobOf(resource), instanceOf(resource)]
  if (job !== undefined) labels.push(['job', job])
  if (instance !== undefined) labels.push(['instance', instance])
  labels.push(...Object.entries(config.const_labels))
  return sorted(labels)
}

/** The labels of `target_info`, of each job and instance once. */
function targetsOf(
  series: readonly Stored[],
  names: Names,
  attempt: (metric: string, show: () => void) => void,
): Labels[] {
  const targets = new Map<string, readonly KeyValue[]>()
  for (const { resource } of series) {
    const [job = '', instance = ''] = [jobOf(resource), instanceOf(resource)]
    const key = JSON.stringify([job, instance])
    if (job !== '' && instance !== '' && !targets.has(key)) targets.set(key, resource)
  }
  const all: Labels[] = []
  for (const resource of targets.values())
    attempt('target_info', () => {
      const labels = new Map<string, string>()
      for (const { key, value } of resource) {
        if (OF_TARGET.includes(key)) continue
        const name = names.label(key)
        const before = labels.get(name)
        labels.set(name, before === undefined ? valueText(value) : `${before};${valueText(value)}`)
      }
      labels.set('job', jobOf(resource)!).set('instance', instanceOf(resource)!)
      all.push(sorted([...labels]))
    })
  return all
}

function sorted(labels: [string, string][]): Labels {
  labels.sort(([a], [b]) => compare(a, b))
  for (const [i, [name]] of labels.entries()) {
    if (name.startsWith('__')) throw new NameError(`the label "${name}" is reserved`)
    if (labels[i + 1]?.[0] === name) throw new NameError(`the label "${name}" would come twice`)
  }
  return labels
}

function compareLabels(a: Labels, b: Labels): number {
  if (a.length !== b.length) return a.length - b.length
  for (const [i, [, value]] of a.entries()) {
    const order = compare(value, b[i]![1])
    if (order !== 0) return order
  }
  return 0
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
