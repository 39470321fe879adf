import http from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { createCollector, type Collector } from '../../collector.ts'
import { section, type ExporterFactory } from '../../component/index.ts'
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
extensions: {health_check: ${settings}, pprof: , zpages: }
service:
  extensions: [health_check, pprof, zpages]
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
  const { warnings } = create('{use_v2: true}', factory)
  expect(warnings).toEqual([
    expect.stringContaining('config.yaml:4:29 extensions.health_check.use_v2: has no effect') as string,
    expect.stringContaining("extensions.pprof: has no effect: it serves profiles of Go's runtime") as string,
    expect.stringContaining('extensions.zpages: has no effect') as string,
  ])
})
