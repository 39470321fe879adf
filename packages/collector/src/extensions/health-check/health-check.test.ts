import http from 'node:http'
import grpc from '@grpc/grpc-js'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createCollector, type Collector } from '../../collector.ts'
import { section, type ExporterFactory, type Report } from '../../component/index.ts'
import { builtinFactories } from '../../factories.ts'
import { createTestLogger } from '../../testkit/index.ts'

/** An exporter that takes its time to start and to stop. */
function createSlow() {
  const started = Promise.withResolvers<void>()
  const stopped = Promise.withResolvers<void>()
  const factory: ExporterFactory<object> = {
    kind: 'exporter',
    type: 'slow',
    config: section({}),
    signals: ['traces'],
    create: () => ({ start: () => started.promise, shutdown: () => stopped.promise, consume: async () => {} }),
  }
  return { started, stopped, factory }
}

const yaml = (settings: string): string => `
receivers: {nop: }
exporters: {slow: }
extensions: {health_check: ${settings}, nop: }
service:
  extensions: [health_check, nop]
  pipelines: {traces: {receivers: [nop], exporters: [slow]}}`

function create(settings: string, factory: ExporterFactory<object>): Collector {
  const factories = [...builtinFactories, factory]
  const collector = createCollector({ config: yaml(settings), factories, logger: createTestLogger() })
  onTestFinished(() => collector.shutdown({ deadlineMs: 50 }))
  return collector
}

async function ask(collector: Collector, path = '/', headers: http.OutgoingHttpHeaders = {}, method = 'GET') {
  const [host, port] = collector.listening()[0]!.address.split(':')
  return new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
    const request = http.request({ host, port, path, headers, method, agent: false }, (response) => {
      let body = ''
      response.on('data', (data: Buffer) => (body += data.toString()))
      response.on('end', () => resolve({ status: response.statusCode, body }))
    })
    request.on('error', reject).end()
  })
}

test('503 until all is started, 200, and 503 as soon as the collector stops', async () => {
  const { started, stopped, factory } = createSlow()
  const collector = create('{endpoint: "127.0.0.1:0"}', factory)
  const starting = collector.start()
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(await ask(collector)).toEqual({
    status: 503,
    body: '{"status":"Server not available","upSince":"0001-01-01T00:00:00Z","uptime":""}',
  })
  started.resolve()
  await starting
  const { status, body } = await ask(collector)
  expect(status).toBe(200)
  expect(JSON.parse(body)).toMatchObject({
    status: 'Server available',
    upSince: expect.stringMatching(/^20/) as string,
  })
  const stopping = collector.shutdown({ deadlineMs: 5000 })
  expect((await ask(collector)).status).toBe(503)
  stopped.resolve()
  await stopping
})

test('its path and bodies are as configured; what else is asked gets no answer that looks healthy', async () => {
  const { started, stopped, factory } = createSlow()
  started.resolve()
  stopped.resolve()
  const collector = create('{endpoint: "localhost:0", path: /up, response_body: {healthy: fine}}', factory)
  await collector.start()
  expect(await ask(collector, '/up?verbose')).toEqual({ status: 200, body: 'fine' })
  expect((await ask(collector, '/')).status).toBe(404)
  expect((await ask(collector, '/up', {}, 'POST')).status).toBe(405)
  expect((await ask(collector, '/up', { host: 'evil.example' })).status).toBe(403)
})

test('what has no effect is told with its place', () => {
  const { factory } = createSlow()
  const { warnings } = create('{grpc: {endpoint: "localhost:1", tls: {}}}', factory)
  expect(warnings).toEqual([
    expect.stringContaining('config.yaml:4:61 extensions.health_check.grpc.tls: has no effect') as string,
  ])
})

test.each([
  ['{endpoint: "127.0.0.1:0", component_health: {}}', ['component_health has no effect without use_v2: true']],
  [
    '{endpoint: "127.0.0.1:0", use_v2: true, response_body: {healthy: fine}}',
    ['response_body has no effect with use_v2: true'],
  ],
  ['{endpoint: "127.0.0.1:0", use_v2: true, component_health: {}}', []],
])('sections of the other version are told: %s', async (settings, told) => {
  const { started, stopped, factory } = createSlow()
  started.resolve()
  stopped.resolve()
  const logger = createTestLogger()
  const collector = createCollector({ config: yaml(settings), factories: [...builtinFactories, factory], logger })
  onTestFinished(() => collector.shutdown({ deadlineMs: 50 }))
  await collector.start()
  const lines = logger.lines.filter(({ message }) => message.includes('use_v2'))
  expect(lines.map(({ level, message }) => `${level} ${message}`)).toEqual(told.map((message) => `warn ${message}`))
})

describe('version 2', () => {
  /** A collector whose exporter reports what it is told to. */
  async function start(settings = '', http = 'http: {endpoint: "127.0.0.1:0"},') {
    let report: Report = () => {}
    const factory: ExporterFactory<object> = {
      kind: 'exporter',
      type: 'slow',
      config: section({}),
      signals: ['traces'],
      create(context) {
        report = context.report
        return { start: async () => {}, shutdown: async () => {}, consume: async () => {} }
      },
    }
    const collector = create(`{use_v2: true, ${http} ${settings}}`, factory)
    await collector.start()
    return { collector, report: (...event: Parameters<Report>) => report(...event) }
  }
  const bodyOf = ({ body }: { body: string }) => JSON.parse(body) as Record<string, unknown>

  test('the collector, a pipeline, and each component with verbose', async () => {
    const { collector, report } = await start()
    const { status, body } = await ask(collector, '/status')
    expect(status).toBe(200)
    expect(JSON.parse(body)).toEqual({
      start_time: expect.stringMatching(/^20/) as string,
      healthy: true,
      status: 'StatusOK',
      status_time: expect.stringMatching(/^20/) as string,
    })
    report('recoverable_error', 'the peer is away')
    expect(bodyOf(await ask(collector, '/status?verbose'))).toMatchObject({
      healthy: true,
      status: 'StatusRecoverableError',
      error: 'exporter slow: the peer is away',
      components: {
        extensions: { status: 'StatusOK', components: { 'extension:health_check': { status: 'StatusOK' } } },
        'pipeline:traces': {
          status: 'StatusRecoverableError',
          components: {
            'receiver:nop': { healthy: true, status: 'StatusOK' },
            'exporter:slow': { healthy: true, status: 'StatusRecoverableError', error: 'the peer is away' },
          },
        },
      },
    })
    expect(bodyOf(await ask(collector, '/status?pipeline=traces&verbose'))).toMatchObject({
      status: 'StatusRecoverableError',
      components: { 'receiver:nop': {}, 'exporter:slow': {} },
    })
    const unknown = await ask(collector, '/status?pipeline=logs')
    expect(unknown).toEqual({ status: 404, body: '404 there is no pipeline "logs"; there are: traces\n' })
    report('ok')
    expect(bodyOf(await ask(collector, '/status'))).toMatchObject({ status: 'StatusOK' })
    expect((await ask(collector, '/config')).status).toBe(404)
    expect((await ask(collector, '/')).status).toBe(404)
  })

  test('errors make it 500 as component_health says, those that may pass after recovery_duration only', async () => {
    const lenient = await start()
    lenient.report('permanent_error', 'refused')
    expect((await ask(lenient.collector, '/status')).status).toBe(200)

    const strict = await start('component_health: {include_permanent_errors: true, include_recoverable_errors: true}')
    strict.report('recoverable_error', 'away')
    expect((await ask(strict.collector, '/status')).status).toBe(200)
    strict.report('permanent_error', 'refused')
    const { status, body } = await ask(strict.collector, '/status?pipeline=traces&verbose')
    expect(status).toBe(500)
    expect(JSON.parse(body)).toMatchObject({
      healthy: false,
      components: { 'receiver:nop': { healthy: true }, 'exporter:slow': { healthy: false } },
    })

    const hasty = await start('component_health: {include_recoverable_errors: true, recovery_duration: 0s}')
    hasty.report('recoverable_error', 'away')
    expect((await ask(hasty.collector, '/status')).status).toBe(500)
    hasty.report('permanent_error', 'refused')
    expect((await ask(hasty.collector, '/status')).status).toBe(200)
  })

  test('503 until all is started and when it stops', async () => {
    const { started, stopped, factory } = createSlow()
    const collector = create('{use_v2: true, endpoint: "127.0.0.1:0", http: {status: {path: /s}}}', factory)
    const starting = collector.start()
    await expect.poll(() => collector.listening().length > 0 && collector.listening()[0]!.address).toBeTruthy()
    const { status, body } = await ask(collector, '/s')
    expect([status, (JSON.parse(body) as { status: string }).status]).toEqual([503, 'StatusStarting'])
    started.resolve()
    await starting
    expect((await ask(collector, '/s')).status).toBe(200)
    const stopping = collector.shutdown({ deadlineMs: 5000 })
    await expect.poll(async () => (await ask(collector, '/s')).status).toBe(503)
    stopped.resolve()
    await stopping
  })

  test('its configuration, where that is wanted, without what is secret', async () => {
    const { collector } = await start('response_body: {healthy: ok}')
    expect((await ask(collector, '/config')).status).toBe(404)
    const factory = createSlow()
    factory.started.resolve()
    factory.stopped.resolve()
    const config = '{use_v2: true, endpoint: "127.0.0.1:0", http: {config: {enabled: true}}}'
    const other = create(config, factory.factory)
    await other.start()
    const body = bodyOf(await ask(other, '/config'))
    expect(body).toMatchObject({ service: { extensions: ['health_check', 'nop'] } })
    await other.reload(yaml(config).replace('receivers: {nop: }', 'receivers: {nop/2: }').replace('[nop]', '[nop/2]'))
    expect(bodyOf(await ask(other, '/config'))).toMatchObject({ receivers: { 'nop/2': null } })
  })

  describe('over gRPC', () => {
    /** The answers of `Check` and `Watch`: 1 serving, 2 not, 3 unknown; or the code of an error. */
    function connect(collector: Collector) {
      const { address } = collector.listening().find(({ protocol }) => protocol === 'grpc')!
      const client = new grpc.Client(address, grpc.credentials.createInsecure())
      onTestFinished(() => client.close())
      const pack = (service: string) => Buffer.from([0x0a, service.length, ...Buffer.from(service)])
      const unpack = (bytes: Buffer) => bytes[1]
      const of = (method: string) => [`/grpc.health.v1.Health/${method}`, pack, unpack] as const
      return {
        check: (service: string) =>
          new Promise((resolve) =>
            client.makeUnaryRequest(...of('Check'), service, (error, status) => resolve(error ? error.code : status)),
          ),
        watch: (service: string) => {
          const seen: unknown[] = []
          const call = client.makeServerStreamRequest(...of('Watch'), service)
          call.on('data', (status) => seen.push(status)).on('error', ({ code }: grpc.ServiceError) => seen.push(code))
          return seen
        },
      }
    }

    test('the collector and each pipeline, for who asks and for who watches, alone or beside HTTP', async () => {
      const alone = await start('grpc: {endpoint: "127.0.0.1:0"}', '')
      expect(alone.collector.listening().map(({ protocol }) => protocol)).toEqual(['grpc'])
      expect(await connect(alone.collector).check('')).toBe(1)

      const { collector, report } = await start(
        'grpc: {endpoint: "127.0.0.1:0"}, component_health: {include_permanent_errors: true}',
      )
      expect(collector.listening().map(({ protocol }) => protocol)).toEqual(['http', 'grpc'])
      const { check, watch } = connect(collector)
      const [whole, traces, none] = [watch(''), watch('traces'), watch('logs')]
      await expect.poll(() => [whole, traces, none]).toEqual([[1], [1], [3]])
      expect([await check(''), await check('traces'), await check('logs')]).toEqual([1, 1, grpc.status.NOT_FOUND])
      report('permanent_error', 'refused')
      await expect.poll(() => [whole, traces, none]).toEqual([[1, 2], [1, 2], [3]])
      expect([await check(''), await check('traces')]).toEqual([2, 2])
      report('ok')
      await expect.poll(() => traces).toEqual([1, 2, 1])
      await collector.shutdown({ deadlineMs: 1000 })
      await expect
        .poll(() => [traces, none])
        .toEqual([
          [1, 2, 1, 2, grpc.status.UNAVAILABLE],
          [3, grpc.status.UNAVAILABLE],
        ])
    })

    test('an error that may pass is told when it has lasted for recovery_duration', async () => {
      const health = 'component_health: {include_recoverable_errors: true, recovery_duration: 20ms}'
      const { collector, report } = await start(`grpc: {endpoint: "127.0.0.1:0"}, ${health}`)
      const seen = connect(collector).watch('traces')
      await expect.poll(() => seen).toEqual([1])
      report('recoverable_error', 'away')
      await expect.poll(() => seen).toEqual([1, 2])
    })
  })
})
