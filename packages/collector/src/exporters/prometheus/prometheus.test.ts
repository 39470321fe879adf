import type { NumberDataPoint } from '@spoor/otlp'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createCollector } from '../../collector.ts'
import { builtinFactories } from '../../factories.ts'
import { createTestLogger, postOtlp, tracesRequest } from '../../testkit/index.ts'
import { prometheusConfig } from './config.ts'
import { Names } from './names.ts'
import { SeriesStore } from './series.ts'
import { goFloat } from './text.ts'

async function start(config: string): Promise<(protocol: string) => string> {
  const collector = createCollector({ config, factories: builtinFactories, logger: createTestLogger() })
  onTestFinished(() => collector.shutdown({ deadlineMs: 1000 }))
  await collector.start()
  return (protocol) => collector.listening().find((each) => each.protocol === protocol)!.address
}

test('spans become metrics that a Prometheus scrapes', async () => {
  const address = await start(`
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
connectors: {span_metrics: {metrics_flush_interval: 10ms, histogram: {unit: s, explicit: {buckets: [1h]}}}}
exporters: {prometheus: {endpoint: "127.0.0.1:0", namespace: shop}}
service:
  pipelines:
    traces: {receivers: [otlp], exporters: [span_metrics]}
    metrics: {receivers: [span_metrics], exporters: [prometheus]}`)
  expect(await postOtlp(address('http'), 'traces', tracesRequest({ spans: 40, services: 4 }))).toBe(200)
  const text = await vi.waitFor(async () => {
    const found = await (await fetch(`http://${address('prometheus')}/metrics`)).text()
    expect(found).toMatch(/^shop_traces_span_metrics_calls_total\{.*service_name="service-1".*\} [1-9]/m)
    return found
  }, 10_000)
  const sum = (pattern: RegExp): number =>
    [...text.matchAll(pattern)].reduce((all, [, value]) => all + Number(value), 0)
  expect(sum(/^shop_traces_span_metrics_calls_total\{.*\} (\S+)$/gm)).toBe(40)
  expect(sum(/^shop_traces_span_metrics_duration_seconds_bucket\{.*le="3600"\} (\S+)$/gm)).toBe(40)
  expect(text).toContain('# TYPE shop_traces_span_metrics_duration_seconds histogram')
  const other = await fetch(`http://${address('prometheus')}/other`)
  expect(other.status).toBe(404)
})

test('keeps as many series as there may be', () => {
  const dropped: unknown[] = []
  const store = new SeriesStore({
    expirationMs: 1000,
    maxSeries: 2,
    shared: () => [],
    dropped: (...what) => void dropped.push(what),
  })
  const point: NumberDataPoint = {
    attributes: [],
    startTimeUnixNano: 0n,
    timeUnixNano: 1n,
    flags: 0,
    asInt: 1n,
    exemplars: [],
  }
  const add = (name: string, now: number): void =>
    store.add(
      {
        resourceMetrics: [
          {
            resource: { attributes: [], droppedAttributesCount: 0 },
            schemaUrl: '',
            scopeMetrics: [
              {
                scope: { name: '', version: '', attributes: [], droppedAttributesCount: 0 },
                schemaUrl: '',
                metrics: [{ name, description: '', unit: '', metadata: [], gauge: { dataPoints: [point] } }],
              },
            ],
          },
        ],
      },
      now,
    )
  for (const name of ['a', 'b', 'c', 'a']) add(name, 0)
  expect(dropped).toEqual([[1, 'series_limit', 'there are 2 series already']])
  expect(store.all(1000).map(({ metric }) => metric.name)).toEqual(['a', 'b'])
  expect(store.all(1001)).toEqual([])
  add('c', 1001)
  expect(store.size).toBe(1)
})

test.each([
  [0, '0'],
  [-0, '-0'],
  [1, '1'],
  [0.0001, '0.0001'],
  [0.00001, '1e-05'],
  [123_456, '123456'],
  [1_000_000, '1e+06'],
  [1_234_567.5, '1.2345675e+06'],
  [1e300, '1e+300'],
  [NaN, 'NaN'],
  [-Infinity, '-Inf'],
])('writes %d as %s', (value, text) => {
  expect(goFloat(value)).toBe(text)
})

test('leaves out units and ends where it is told to', () => {
  const names = (config: object) => new Names(prometheusConfig.parse({ endpoint: ':0', ...config }))
  const calls = { name: 'calls', unit: 's', isCounter: true, isGauge: false }
  expect(names({}).metric(calls)).toBe('calls_seconds_total')
  expect(names({ add_metric_suffixes: false }).metric(calls)).toBe('calls')
})

test('says what is wrong with its config', () => {
  const parsed = prometheusConfig.safeParse({ endpoint: 'localhost:8889', translation_strategy: 'Other' })
  expect(parsed.error?.issues[0]?.message).toBe(
    'expected one of UnderscoreEscapingWithSuffixes, UnderscoreEscapingWithoutSuffixes, NoUTF8EscapingWithSuffixes, NoTranslation',
  )
})
