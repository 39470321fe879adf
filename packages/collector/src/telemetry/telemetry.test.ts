import http from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { requestToJson } from '@spoor/otlp'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createCollector, type Collector } from '../collector.ts'
import { createCounters, type ExporterFactory } from '../component/index.ts'
import { builtinFactories } from '../factories.ts'
import {
  createSink,
  createTestLogger,
  freePort,
  postTraces,
  tracesRequest,
  type Sink,
  type TestLogger,
} from '../testkit/index.ts'
import { COLLECTOR_METRICS } from './catalogue.ts'
import { prometheusText } from './prometheus.ts'

const yaml = (telemetry: string): string => `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
processors: {batch: {timeout: 1ms}}
exporters: {sink: , otlp_http: {endpoint: "http://127.0.0.1:1", sending_queue: {}, retry_on_failure: {enabled: false}}}
service:
  telemetry: ${telemetry}
  pipelines: {traces: {receivers: [otlp], processors: [batch], exporters: [sink, otlp_http]}}`

interface Running {
  readonly collector: Collector
  readonly logger: TestLogger
  readonly sink: Sink
  readonly otlp: string
  readonly metrics: string | undefined
}

async function start(telemetry: string): Promise<Running> {
  const sink = createSink()
  const logger = createTestLogger()
  const factories = [...builtinFactories, sink.factory()]
  const collector = createCollector({ config: yaml(telemetry), factories, logger, servesMetrics: true })
  onTestFinished(() => collector.shutdown({ deadlineMs: 1000 }))
  await collector.start()
  const at = (component: string): string | undefined =>
    collector.listening().find((each) => each.component === component)?.address
  return { collector, logger, sink, otlp: at('otlp')!, metrics: at('telemetry') }
}

const reader = (more = '', port = 0): string =>
  `[{pull: {exporter: {prometheus: {host: 127.0.0.1, port: ${port}${more}}}}}]`

async function scrape({ metrics }: Running): Promise<string> {
  const response = await fetch(`http://${metrics}/metrics`)
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  return response.text()
}

describe('Prometheus', () => {
  test('has what went through, by the names of otelcol, each with help and type', async () => {
    const running = await start(`{metrics: {readers: ${reader()}}, resource: {service.name: edge, gone: null}}`)
    expect(await postTraces(running.otlp, tracesRequest({ spans: 12 }))).toBe(200)
    await running.sink.waitFor(12)
    const text = await scrape(running)
    for (const line of [
      '# HELP otelcol_receiver_accepted_spans Number of spans that the pipelines have taken, by receiver and transport.',
      '# TYPE otelcol_receiver_accepted_spans counter',
      'otelcol_receiver_accepted_spans{receiver="otlp",transport="http"} 12',
      'otelcol_exporter_sent_spans{exporter="otlp_http",server_address="127.0.0.1",server_port="1",url_path="/v1/traces"} 0',
      'otelcol_processor_incoming_items{processor="batch",otel_signal="traces"} 12',
      '# TYPE otelcol_exporter_queue_capacity gauge',
      'otelcol_exporter_queue_capacity{exporter="otlp_http",data_type="traces"} 1000',
      '# TYPE otelcol_processor_batch_batch_send_size histogram',
      'otelcol_processor_batch_batch_send_size_bucket{processor="batch",otel_signal="traces",le="10"} 0',
      'otelcol_processor_batch_batch_send_size_bucket{processor="batch",otel_signal="traces",le="25"} 1',
      'otelcol_processor_batch_batch_send_size_bucket{processor="batch",otel_signal="traces",le="+Inf"} 1',
      'otelcol_processor_batch_batch_send_size_sum{processor="batch",otel_signal="traces"} 12',
      'otelcol_processor_batch_batch_send_size_count{processor="batch",otel_signal="traces"} 1',
      '# TYPE otelcol_process_uptime counter',
      '# TYPE otelcol_process_memory_rss gauge',
    ])
      expect(text.split('\n')).toContain(line)
    expect(text).toMatch(
      /^target_info\{service_name="edge",service_instance_id="[0-9a-f-]{36}",service_version="[\d.]+"\} 1$/m,
    )
    expect(text).not.toContain('untyped')
    // Each name once, with its series behind it.
    const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)
    expect(new Set(names).size).toBe(names.length)
    expect((await fetch(`http://${running.metrics}/other`)).status).toBe(404)
  })

  test('levels: basic has less than normal, detailed more, and none serves nothing', async () => {
    const of = async (level: string): Promise<string> =>
      scrape(await start(`{metrics: {level: ${level}, readers: ${reader()}}}`))
    const [basic, normal, detailed] = [await of('basic'), await of('Normal'), await of('detailed')]
    for (const text of [basic, normal, detailed]) expect(text).toContain('otelcol_exporter_queue_size')
    const has = (name: string): boolean[] => [basic, normal, detailed].map((text) => text.includes(name))
    expect(has('otelcol_processor_batch_batch_send_size_count')).toEqual([false, true, true])
    expect(has('otelcol_processor_batch_batch_send_size_bytes_count')).toEqual([false, false, true])
    expect(has('otelcol_exporter_queue_batch_send_size_bytes_count')).toEqual([false, false, true])
    const bounds = [...detailed.matchAll(/batch_send_size_bytes_bucket\{[^}]*le="(\d+)"/g)].map(([, bound]) =>
      Number(bound),
    )
    expect([Math.min(...bounds), Math.max(...bounds)]).toEqual([128, 16_777_216])
    expect(has('otelcol_processor_internal_duration_count')).toEqual([false, false, true])
    expect(has('otelcol_exporter_enqueue_size_count')).toEqual([false, false, true])
    expect(has('otelcol_exporter_queue_batch_send_size_count')).toEqual([false, false, true])
    expect(has('otelcol_exporter_in_flight_requests')).toEqual([true, true, true])
    expect(has('otelcol_processor_incoming_items')).toEqual([true, true, true])
    expect((await start('{metrics: {level: none}}')).metrics).toBeUndefined()
    expect((await start('{metrics: {level: none, readers: []}}')).metrics).toBeUndefined()
  })

  test('detailed times what a processor does itself, and not what is behind it', async () => {
    const running = await start(`{metrics: {level: detailed, readers: ${reader()}}}`)
    // The sink takes its time, a fiftieth of a second.
    running.sink.intercept = () => new Promise((resolve) => setTimeout(resolve, 20))
    for (let seed = 1; seed <= 3; seed++) await postTraces(running.otlp, tracesRequest({ seed }))
    await running.sink.waitFor(3)
    const [name, labels] = ['otelcol_processor_internal_duration', '{processor="batch",otel_signal="traces"}']
    const lines = (await scrape(running)).split('\n')
    expect(lines).toContain(`${name}_count${labels} 3`)
    const sum = lines.find((line) => line.startsWith(`${name}_sum${labels}`))!
    expect(Number(sum.split(' ')[1])).toBeGreaterThan(0)
  })

  test('names with units, type suffix and scope where they are asked for', async () => {
    const suffixes = ', without_units: false, without_type_suffix: false, without_scope_info: false'
    const text = await scrape(await start(`{metrics: {readers: ${reader(suffixes)}}}`))
    expect(text).toContain(
      'otelcol_exporter_sent_spans_total{exporter="otlp_http",server_address="127.0.0.1",server_port="1",url_path="/v1/traces",otel_scope_name="spoor/collector"} 0\n',
    )
    expect(text).toContain('# TYPE otelcol_process_uptime_seconds_total counter\n')
    expect(text).toContain('# TYPE otelcol_process_cpu_seconds_total counter\n')
    expect(text).toContain('# TYPE otelcol_process_memory_rss_bytes gauge\n')
  })

  test('a port that is taken is an error with the way out, and nothing else stays open', async () => {
    const blocker = http.createServer().listen(0, '127.0.0.1')
    await once(blocker, 'listening')
    onTestFinished(() => void blocker.close())
    const { port } = blocker.address() as AddressInfo
    const starting = start(`{metrics: {readers: ${reader('', port)}}}`)
    await expect(starting).rejects.toMatchObject({
      code: 'listen',
      message: expect.stringMatching(
        /cannot listen on 127\.0\.0\.1:\d+: the address is taken by another process.*set another port in service\.telemetry\.metrics\.readers/,
      ),
    })
  })

  test('a start that fails leaves no port open, nor does a reload after the end', async () => {
    const [metrics, status] = [await freePort(), await freePort()]
    const config = yaml(`{metrics: {readers: ${reader('', metrics)}}}`)
    const failing: ExporterFactory<object> = {
      ...createSink().factory(),
      create: () => ({
        start: () => Promise.reject(new Error('not today')),
        consume: async () => {},
        shutdown: async () => {},
      }),
    }
    const collector = createCollector({
      config,
      factories: [...builtinFactories, failing],
      logger: createTestLogger(),
      servesMetrics: true,
      status: { endpoint: `127.0.0.1:${status}` },
    })
    onTestFinished(() => collector.shutdown())
    await expect(collector.start()).rejects.toThrow('exporter sink: not today')
    const ports = [metrics, status]
    const areClosed = () =>
      Promise.all(ports.map((port) => expect(fetch(`http://127.0.0.1:${port}/metrics`)).rejects.toThrow()))
    await areClosed()
    await expect(collector.reload(config)).rejects.toThrow('shutting down')
    await areClosed()
  })

  test('a reload moves it, and leaves it where nothing has changed', async () => {
    const running = await start(`{metrics: {readers: ${reader()}}}`)
    await running.collector.reload(yaml(`{metrics: {readers: ${reader()}}, logs: {level: warn}}`))
    await scrape(running)
    const port = await freePort()
    await running.collector.reload(yaml(`{metrics: {readers: ${reader('', port)}}}`))
    await scrape({ ...running, metrics: `127.0.0.1:${port}` })
    await expect(fetch(`http://${running.metrics}/metrics`)).rejects.toThrow()
  })

  test('a reload to a port that is taken changes nothing', async () => {
    const blocker = http.createServer().listen(0, '127.0.0.1')
    await once(blocker, 'listening')
    onTestFinished(() => void blocker.close())
    const [port, taken] = [await freePort(), (blocker.address() as AddressInfo).port]
    const running = await start(`{metrics: {readers: ${reader('', port)}}}`)
    const reloading = running.collector.reload(yaml(`{metrics: {readers: ${reader('', taken)}}}`))
    await expect(reloading).rejects.toMatchObject({ code: 'listen' })
    await scrape(running)
  })

  test('escapes labels, and gives what no catalogue has as untyped', async () => {
    const counters = createCounters()
    counters.counter('b', {}).value = 0.5
    counters.counter('a', { x: 'q"\\\n' }).value = 3
    const text = await prometheusText(counters, { catalogue: COLLECTOR_METRICS })
    expect(text).toContain('# TYPE b untyped\nb 0.5\n')
    expect(text).toContain(String.raw`a{x="q\"\\\n"} 3`)
  })
})

describe('a push over OTLP', () => {
  test.each(['http/protobuf', 'http/json', 'grpc'])(
    '%s: cumulative sums, gauges and histograms, again and again',
    async (protocol) => {
      const sink = createSink()
      const config = `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
exporters: {sink: }
service: {pipelines: {metrics: {receivers: [otlp], exporters: [sink]}}}`
      const backend = createCollector({
        config,
        factories: [...builtinFactories, sink.factory()],
        logger: createTestLogger(),
      })
      onTestFinished(() => backend.shutdown({ deadlineMs: 1000 }))
      await backend.start()
      const endpoint = `http://${backend.listening()[0]!.address}${protocol === 'grpc' ? '' : '/v1/metrics'}`
      const otlp = `{protocol: ${protocol}, endpoint: "${endpoint}", headers: [{name: x, value: y}]}`
      const running = await start(
        `{resource: {service.name: edge}, metrics: {readers: [{periodic: {interval: 20, exporter: {otlp: ${otlp}}}}]}}`,
      )
      await postTraces(running.otlp, tracesRequest({ spans: 12 }))
      await running.sink.waitFor(12)
      type Point = { asInt?: string; sum?: number; bucketCounts?: string[]; attributes: object[] }
      type Metric = {
        name: string
        sum?: { isMonotonic: boolean; aggregationTemporality: number; dataPoints: Point[] }
        gauge?: { dataPoints: Point[] }
        histogram?: { dataPoints: Point[] }
      }
      const latest = () => {
        const bytes = sink.batches.at(-1)?.chunks[0]?.bytes
        if (!bytes) return undefined
        const json = requestToJson('metrics', bytes) as {
          resourceMetrics: { resource: unknown; scopeMetrics: { metrics: Metric[] }[] }[]
        }
        return json.resourceMetrics[0]
      }
      const metric = (name: string) => latest()?.scopeMetrics[0]?.metrics.find((each) => each.name === name)
      await vi.waitFor(
        () =>
          expect(metric('otelcol_receiver_accepted_spans')?.sum?.dataPoints.map(({ asInt }) => asInt)).toContain('12'),
        { timeout: 10_000 },
      )
      expect(metric('otelcol_receiver_accepted_spans')?.sum).toMatchObject({
        isMonotonic: true,
        aggregationTemporality: 2,
      })
      expect(metric('otelcol_exporter_queue_capacity')?.gauge?.dataPoints[0]?.asInt).toBe('1000')
      await vi.waitFor(() =>
        expect(metric('otelcol_processor_batch_batch_send_size')?.histogram?.dataPoints[0]?.sum).toBe(12),
      )
      expect(JSON.stringify(latest()?.resource)).toContain('{"key":"service.name","value":{"stringValue":"edge"}}')
      const { length } = sink.batches
      await vi.waitFor(() => expect(sink.batches.length).toBeGreaterThan(length))
    },
  )

  test('an interval beyond the longest timer waits, and does not send all the time', async () => {
    const warned = vi.fn()
    process.on('warning', warned)
    onTestFinished(() => void process.off('warning', warned))
    const otlp = '{protocol: http/protobuf, endpoint: "http://127.0.0.1:1"}'
    await start(`{metrics: {readers: [{periodic: {interval: ${2 ** 31}, exporter: {otlp: ${otlp}}}}]}}`)
    // A warning is told in a later turn.
    await new Promise(setImmediate)
    expect(warned).not.toHaveBeenCalled()
  })

  test('to nobody: told once, and the collector goes on', async () => {
    const otlp = '{protocol: http/protobuf, endpoint: "http://127.0.0.1:1"}'
    const running = await start(`{metrics: {readers: [{periodic: {interval: 5, exporter: {otlp: ${otlp}}}}]}}`)
    const told = (): number =>
      running.logger.lines.filter(({ message }) => message.startsWith("The collector's own metrics")).length
    await vi.waitFor(() => expect(told()).toBe(1))
    expect(await postTraces(running.otlp, tracesRequest())).toBe(200)
    expect(told()).toBe(1)
  })
})

describe('the configuration', () => {
  const create = (telemetry: string, servesMetrics = true) =>
    createCollector({
      config: yaml(telemetry),
      factories: [...builtinFactories, createSink().factory()],
      logger: createTestLogger(),
      servesMetrics,
    })

  test.each([
    [
      '{metrics: {level: much}}',
      '6:25 service.telemetry.metrics.level: "much": not a level; use none, basic, normal, detailed',
    ],
    ['{metric: {}}', '6:15 service.telemetry.metric: unknown key; did you mean "metrics"?'],
    [
      '{metrics: {readers: [{pull: {}, periodic: {}}]}}',
      'service.telemetry.metrics.readers[0]: a reader is either pull or periodic',
    ],
    [
      '{metrics: {readers: [{pull: {exporter: {prometheus: {port: 99999}}}}]}}',
      'readers[0].pull.exporter.prometheus.port: 99999',
    ],
    [
      '{metrics: {readers: [{periodic: {exporter: {otlp: {endpoint: "a:1"}}}}]}}',
      'otlp.protocol: is missing; not a protocol that is spoken',
    ],
    ['{metrics: {readers: []}}', 'service.telemetry.metrics.readers: a metrics reader should exist'],
    [
      '{metrics: {level: normal, views: []}}',
      'service.telemetry.metrics.views: can only be set when level is detailed',
    ],
    ['{metrics: {level: none, views: []}}', 'service.telemetry.metrics.views: can only be set when level is detailed'],
    ['{logs: {encoding: xml}}', 'service.telemetry.logs.encoding: "xml"'],
    ['{resource: {a: [1]}}', 'service.telemetry.resource'],
  ])('%s is refused at its place', (telemetry, message) => {
    expect(() => create(telemetry)).toThrow(message)
  })

  test('keys without effect, and the deprecated address, are told with their line', () => {
    const { warnings } = create(
      '{logs: {level: fatal, sampling: {enabled: true}, encoding: json}, metrics: {address: "127.0.0.1:9999", level: detailed, views: []}, traces: {processors: []}, resource: {attributes: [{name: a, value: b}], detection/development: {detectors: [{host: {}}]}}}',
    )
    expect(warnings.map((line) => line.replace(/^config.yaml:6:\d+ service.telemetry./, ''))).toEqual([
      'logs.sampling: has no effect: lines that come by the thousand are summed up at their source',
      'logs.encoding: has no effect: the program that runs it has its own log',
      'metrics.address: is deprecated; use readers: [{pull: {exporter: {prometheus: {host: …, port: …}}}}] instead',
      'metrics.views: has no effect: each metric has its buckets and labels',
      'traces.processors: has no effect: the collector makes no spans of its own',
      'resource.detection/development: has no effect: attributes are what is written',
    ])
  })

  test('the deprecated address is listened on', async () => {
    const port = await freePort()
    const running = await start(`{metrics: {address: "127.0.0.1:${port}"}}`)
    expect(running.metrics).toBe(`127.0.0.1:${port}`)
    await scrape(running)
  })

  test('the deprecated address goes with text that is written like a number', () => {
    const given: unknown[] = []
    createCollector({
      config: yaml('{metrics: {address: "127.0.0.1:0"}, logs: {output_paths: ["${env:OUT}"]}}'),
      factories: [...builtinFactories, createSink().factory()],
      env: { OUT: '0123' },
      logger: ({ output_paths: paths }) => {
        given.push(paths)
        return createTestLogger()
      },
    })
    expect(given).toEqual([['0123']])
  })

  test('metrics are not served where the program does not, and that is told', () => {
    expect(create('{metrics: {level: detailed}}', false).warnings).toEqual([
      expect.stringContaining('service.telemetry.metrics: has no effect'),
    ])
  })

  test('initial_fields are in every line, and the program makes its log as it is asked to', async () => {
    const lines: unknown[] = []
    const logger = createTestLogger()
    const collector = createCollector({
      config: yaml('{metrics: {level: none}, logs: {encoding: json, output_paths: [x], initial_fields: {site: edge}}}'),
      factories: [...builtinFactories, createSink().factory()],
      logger: ({ encoding, output_paths: paths }) => {
        lines.push([encoding, paths])
        return logger
      },
    })
    await collector.start()
    await collector.shutdown()
    expect(lines).toEqual([['json', ['x']]])
    expect(collector.warnings).toEqual([expect.stringContaining('service.telemetry.metrics: has no effect')])
    expect(logger.lines.every(({ fields }) => fields['site'] === 'edge')).toBe(true)
  })
})

test('a histogram counts a value in the first bucket that it is not above', () => {
  const counters = createCounters()
  const histogram = counters.histogram('h', { a: '1' }, [1, 10])
  for (const value of [0, 1, 2, 10, 11]) histogram.record(value)
  expect(counters.histogram('h', { a: '1' }, [1, 10])).toBe(histogram)
  expect(counters.histograms()).toMatchObject([{ name: 'h', counts: [2, 2, 1], count: 5, sum: 24 }])
})
