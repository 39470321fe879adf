import http from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { createCollector, type Collector } from '../../collector.ts'
import { section, type ExporterFactory } from '../../component/index.ts'
import { builtinFactories } from '../../factories.ts'
import { createTestLogger, postTraces, tracesRequest } from '../../testkit/index.ts'
import { createRates } from './rates.ts'

const PAGES = ['servicez', 'pipelinez', 'extensionz', 'featurez', 'tracez']

/** OTLP in, and out to one that takes all and one that is told what to say. */
async function start(zpages = '') {
  const state = { isBad: false }
  const factory: ExporterFactory<object> = {
    kind: 'exporter',
    type: 'fickle',
    config: section({}),
    signals: ['traces'],
    create: ({ report, counters }) => {
      const failed = counters.counter('otelcol_exporter_send_failed_spans', { exporter: 'fickle', reason: 'timeout' })
      return {
        start: async () => {},
        shutdown: async () => {},
        async consume(batch) {
          if (!state.isBad) return
          failed.value += batch.items
          report('recoverable_error', 'no <answer> & no end')
        },
      }
    },
  }
  const collector = createCollector({
    config: `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
processors: {batch: {timeout: 1ms}}
exporters: {nop: , fickle: }
extensions: {zpages: {endpoint: "localhost:0"${zpages}}}
service:
  extensions: [zpages]
  pipelines: {traces/in: {receivers: [otlp], processors: [batch], exporters: [nop, fickle]}}`,
    factories: [...builtinFactories, factory],
    logger: createTestLogger(),
  })
  await collector.start()
  onTestFinished(() => collector.shutdown({ deadlineMs: 1000 }))
  return { collector, state }
}

const addressOf = (collector: Collector, component: string): string =>
  collector.listening().find((one) => one.component === component)!.address

async function get(collector: Collector, path: string, headers: http.OutgoingHttpHeaders = {}) {
  const [host, port] = addressOf(collector, 'zpages').split(':')
  return new Promise<{ status: number | undefined; headers: http.IncomingHttpHeaders; body: string }>(
    (resolve, reject) => {
      const request = http.request({ host, port, path, headers, agent: false }, (response) => {
        let body = ''
        response.on('data', (data: Buffer) => (body += data.toString()))
        response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }))
      })
      request.on('error', reject).end()
    },
  )
}

test('each page is there, leads to the others, and runs nothing', async () => {
  const { collector } = await start()
  for (const name of PAGES) {
    const { status, headers, body } = await get(collector, `/debug/${name}?x=1`)
    expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
    expect(headers['content-security-policy']).toContain("default-src 'none'")
    expect(body.match(/<a href="\/debug/g)!.length).toBeGreaterThanOrEqual(PAGES.length - 1)
    expect(body).not.toContain('[object')
    expect(body).not.toContain('undefined')
  }
  expect((await get(collector, '/debug/expvarz')).status).toBe(404)
  expect((await get(collector, '/debug/pipelinez', { host: 'evil.example' })).status).toBe(403)
  const { body } = await get(collector, '/debug/extensionz')
  expect(body).toContain(`http ${addressOf(collector, 'zpages')}`)
})

test('pipelines show their components with status, figures and what was lost', async () => {
  const { collector, state } = await start()
  state.isBad = true
  expect(await postTraces(addressOf(collector, 'otlp'), tracesRequest({ spans: 7 }))).toBe(200)
  await expect.poll(async () => (await get(collector, '/debug/pipelinez')).body).toContain('timeout:')
  const { body } = await get(collector, '/debug/pipelinez')
  expect(body).toContain('<h2 id="traces/in">')
  expect(body).toContain('no &lt;answer&gt; &amp; no end')
  expect(body).toContain('recoverable error')
  const [pipeline] = collector.pipelines().pipelines
  expect(pipeline?.components.map(({ kind, id, figures }) => [kind, id, figures])).toEqual([
    ['receiver', 'otlp', { in: 7, out: 7, failed: {} }],
    ['processor', 'batch', { in: 7, out: 7, failed: {} }],
    ['exporter', 'nop', { failed: {}, kept: 0 }],
    ['exporter', 'fickle', { failed: { timeout: 7 }, kept: 0 }],
  ])
  expect((await get(collector, '/debug/tracez')).body).toMatch(
    /fickle<\/b><\/td><td><span class="s recoverable_error">/,
  )
})

test('figures as JSON, where that is wanted', async () => {
  const { collector } = await start(', expvar: {enabled: true}')
  await postTraces(addressOf(collector, 'otlp'), tracesRequest({ spans: 3 }))
  const { headers, body } = await get(collector, '/debug/expvarz')
  expect(headers['content-type']).toBe('application/json')
  expect(JSON.parse(body)).toMatchObject({
    figures: { 'otelcol_receiver_accepted_spans{receiver="otlp",transport="http"}': 3 },
  })
})

test('rates are those since an earlier look, not closer than two seconds, and first since the start', () => {
  const ratesOf = createRates()
  const status = { status: 'ok', sinceMs: 0, message: '' } as const
  const look = (total: number, nowMs: number) => {
    const component = { kind: 'processor', id: 'a', status, figures: { in: total, failed: {} }, listening: [] } as const
    const pipelines = [{ id: 'traces', signal: 'traces', status, components: [component] } as const]
    const rates = ratesOf({ startedAtMs: 0, status, pipelines, extensions: [] }, nowMs)
    return [rates.isSinceStart, rates.of('traces', component).in, rates.of('traces', component).out]
  }
  expect(look(100, 10_000)).toEqual([true, 10, undefined])
  expect(look(200, 11_000)).toEqual([true, 200 / 11, undefined])
  expect(look(300, 12_000)).toEqual([false, 100, undefined])
  expect(look(400, 13_000)).toEqual([false, 100, undefined])
  expect(look(400, 15_500)).toEqual([false, 0, undefined])
  expect(look(500, 700_000)[0]).toBe(true)
})
