import { expect, onTestFinished, test } from 'vitest'
import { createCollector } from '../collector.ts'
import { builtinFactories } from '../factories.ts'
import {
  createSink,
  createTestLogger,
  postOtlp,
  spanIdsIn,
  tracesRequest,
  logsRequest,
  metricsRequest,
  type Sink,
} from '../testkit/index.ts'

async function start(config: string, sinks: Readonly<Record<string, Sink>>): Promise<string> {
  const factories = [...builtinFactories, ...Object.entries(sinks).map(([type, sink]) => sink.factory(type))]
  const collector = createCollector({ config, factories, logger: createTestLogger() })
  onTestFinished(() => collector.shutdown({ deadlineMs: 1000 }))
  await collector.start()
  return collector.listening()[0]!.address
}

const RECEIVER = 'receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}'

test('forward joins and parts pipelines, of each signal by itself', async () => {
  const sinks = { one: createSink(), two: createSink() }
  const both = (signal: string): string => `
    ${signal}/in: {receivers: [otlp], exporters: [forward]}
    ${signal}/one: {receivers: [forward], exporters: [one]}
    ${signal}/two: {receivers: [forward], processors: [batch], exporters: [two]}`
  const address = await start(
    `
${RECEIVER}
connectors: {forward: }
processors: {batch: {timeout: 1ms}}
exporters: {one: , two: }
service:
  pipelines: ${both('traces')}${both('metrics')}${both('logs')}`,
    sinks,
  )
  const traces = tracesRequest({ spans: 4 })
  expect(await postOtlp(address, 'traces', traces)).toBe(200)
  expect(await postOtlp(address, 'metrics', metricsRequest(2))).toBe(200)
  expect(await postOtlp(address, 'logs', logsRequest(3))).toBe(200)
  await Promise.all([sinks.one.waitFor(9), sinks.two.waitFor(9)])
  for (const sink of Object.values(sinks)) {
    const of = (signal: string) =>
      sink.batches.filter((batch) => batch.signal === signal).flatMap(({ chunks }) => chunks)
    expect(spanIdsIn(of('traces')[0]!.bytes)).toEqual(spanIdsIn(traces))
    expect(of('metrics').map(({ bytes }) => Uint8Array.from(bytes))).toEqual([metricsRequest(2)])
    expect(of('logs').map(({ bytes }) => Uint8Array.from(bytes))).toEqual([logsRequest(3)])
  }
})

test('routing leads to the pipelines that it names, each with its own processors', async () => {
  const sinks = { one: createSink(), two: createSink(), rest: createSink() }
  const address = await start(
    `
${RECEIVER}
connectors:
  routing:
    table: [{condition: 'attributes["service.name"] == "service-1"', pipelines: [traces/one, traces/two]}]
    default_pipelines: [traces/rest]
processors: {attributes: {actions: [{key: two, value: true, action: insert}]}}
exporters: {one: , two: , rest: }
service:
  pipelines:
    traces/in: {receivers: [otlp], exporters: [routing]}
    traces/one: {receivers: [routing], exporters: [one]}
    traces/two: {receivers: [routing], processors: [attributes], exporters: [two]}
    traces/rest: {receivers: [routing], exporters: [rest]}`,
    sinks,
  )
  expect(await postOtlp(address, 'traces', tracesRequest({ spans: 9, services: 3 }))).toBe(200)
  await Promise.all(Object.values(sinks).map((sink) => sink.waitFor(3)))
  expect(Object.values(sinks).map(({ items }) => items)).toEqual([3, 3, 6])
  expect(sinks.two.bytes().length).toBeGreaterThan(sinks.one.bytes().length)
})

test('nop takes everything and hands nothing on, whatever the signal behind it', async () => {
  const sinks = { one: createSink() }
  const address = await start(
    `
${RECEIVER}
connectors: {nop: }
exporters: {one: }
service:
  pipelines:
    traces: {receivers: [otlp], exporters: [nop]}
    traces/direct: {receivers: [otlp], exporters: [one]}
    metrics: {receivers: [nop], exporters: [one]}`,
    sinks,
  )
  expect(await postOtlp(address, 'traces', tracesRequest({ spans: 4 }))).toBe(200)
  await sinks.one.waitFor(4)
  expect(sinks.one.batches.map(({ signal }) => signal)).toEqual(['traces'])
})

test('forward does not make one signal of another', () => {
  const config = `
${RECEIVER}
connectors: {forward: }
exporters: {nop: }
service:
  pipelines:
    traces: {receivers: [otlp], exporters: [forward]}
    metrics: {receivers: [forward], exporters: [nop]}`
  const create = () => createCollector({ config, factories: builtinFactories, logger: createTestLogger() })
  expect(create).toThrow(
    'connector "forward" used as exporter in [traces] pipeline but not used in any supported receiver pipeline',
  )
})
