import http from 'node:http'
import net from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { createCollector, type CollectorOptions } from '../collector.ts'
import { builtinFactories } from '../factories.ts'
import { createTestLogger, freePort, postTraces, tracesRequest } from '../testkit/index.ts'
import { STATUS_PATHS, type CollectorStatus, type SendersStatus } from './contract.ts'

const CONFIG = `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
exporters:
  nop:
  otlp_http: {endpoint: "http://127.0.0.1:1", headers: {authorization: hush}}
service: {pipelines: {traces: {receivers: [otlp], exporters: [nop, otlp_http]}}}`

async function start(status: CollectorOptions['status'], config = CONFIG) {
  const logger = createTestLogger()
  const collector = createCollector({ config, factories: builtinFactories, logger, status })
  onTestFinished(() => collector.shutdown({ deadlineMs: 100 }))
  await collector.start()
  return { collector, logger }
}

async function get(address: string | undefined, path: string, headers: http.OutgoingHttpHeaders = {}) {
  return new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
    const request = http.get(`${address}${path}`, { headers, agent: false }, (response) => {
      let body = ''
      response.on('data', (data: Buffer) => (body += data.toString()))
      response.on('end', () => resolve({ status: response.statusCode, body }))
    })
    request.on('error', reject)
  })
}

test('pipelines, senders, and the configuration without its secrets', async () => {
  const { collector } = await start({ endpoint: 'localhost:0' })
  await postTraces(collector.listening()[0]!.address, tracesRequest({ spans: 3 }))
  const { statusAddress } = collector
  const pipelines = JSON.parse((await get(statusAddress, STATUS_PATHS.pipelines)).body) as CollectorStatus
  expect(pipelines).toMatchObject({
    version: expect.stringMatching(/^\d+\.\d+/) as string,
    pipelines: [
      { id: 'traces', components: [{ id: 'otlp', figures: { out: 3 } }, { id: 'nop' }, { id: 'otlp_http' }] },
    ],
  })
  const senders = JSON.parse((await get(statusAddress, STATUS_PATHS.senders)).body) as SendersStatus
  expect(senders.senders).toMatchObject([{ receiver: 'otlp', peer: '127.0.0.1', ok: 1, items: 3 }])
  const config = (await get(statusAddress, STATUS_PATHS.config)).body
  expect(JSON.parse(config)).toMatchObject({ exporters: { otlp_http: { headers: { authorization: '[REDACTED]' } } } })
  expect(config).not.toContain('hush')
  expect((await get(statusAddress, '/')).body).toContain(STATUS_PATHS.senders)
  expect((await get(statusAddress, '/nothing')).status).toBe(404)
})

test('health and readiness, to probes without a token, as long as it starts and runs', async () => {
  const { collector } = await start({ endpoint: '0.0.0.0:0', token: 'let-me-in' })
  const address = collector.statusAddress!.replace('0.0.0.0', '127.0.0.1')
  const well = { status: 200, body: '{"status":"ok","reasons":[]}\n' }
  expect(await get(address, '/health')).toEqual(well)
  expect(await get(address, '/ready')).toEqual(well)
  collector.drain()
  expect(await get(address, '/health')).toEqual(well)
  expect(await get(address, '/ready')).toMatchObject({
    status: 503,
    body: expect.stringMatching(/about to stop: send elsewhere/) as string,
  })
  await postTraces(collector.listening()[0]!.address, tracesRequest({ spans: 1 }))
})

test('other hosts, and with a token those without it, get nothing', async () => {
  const open = await start({ endpoint: 'localhost:0' })
  expect((await get(open.collector.statusAddress, STATUS_PATHS.config, { host: 'evil.example' })).status).toBe(403)
  const ofOtherSite = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }
  expect((await get(open.collector.statusAddress, STATUS_PATHS.tap, ofOtherSite)).status).toBe(403)
  const byLink = { ...ofOtherSite, 'sec-fetch-mode': 'navigate' }
  expect((await get(open.collector.statusAddress, STATUS_PATHS.tap, byLink)).status).toBe(200)
  const closed = await start({ endpoint: '0.0.0.0:0', token: 'let-me-in' })
  const address = closed.collector.statusAddress!.replace('0.0.0.0', '127.0.0.1')
  for (const authorization of [undefined, 'Bearer other', 'let-me-in', 'Bearer let-me-in2']) {
    const headers = authorization === undefined ? {} : { authorization }
    expect((await get(address, STATUS_PATHS.pipelines, headers)).status).toBe(401)
  }
  expect((await get(address, STATUS_PATHS.pipelines, { authorization: 'Bearer let-me-in' })).status).toBe(200)
})

test('beyond this machine it wants a token', () => {
  const status = { endpoint: '0.0.0.0:0' }
  const create = () =>
    createCollector({ config: CONFIG, factories: builtinFactories, logger: createTestLogger(), status })
  expect(create).toThrow(/0\.0\.0\.0:0 can be reached from other machines: give it a token in SPOOR_STATUS_TOKEN/)
})

test('a port that is taken is told, and the collector works without', async () => {
  const port = await freePort()
  const other = net.createServer().listen(port, '127.0.0.1')
  await new Promise((resolve) => other.once('listening', resolve))
  onTestFinished(() => void other.close())
  const { collector, logger } = await start({ endpoint: `localhost:${port}` })
  expect(collector.statusAddress).toBeUndefined()
  expect(await postTraces(collector.listening()[0]!.address, tracesRequest())).toBe(200)
  const line = logger.lines.find(({ level }) => level === 'warn')
  expect(line?.message).toContain('the collector goes on without it')
  expect(line?.fields).toMatchObject({ endpoint: `localhost:${port}` })
})

test('a collector tells where its status is to peers on this machine, over both protocols, and is believed', async () => {
  const backend = await start(
    { endpoint: 'localhost:0' },
    `
receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:0"}, http: {endpoint: "127.0.0.1:0"}}}}
exporters: {nop: }
service: {pipelines: {traces: {receivers: [otlp], exporters: [nop]}}}`,
  )
  const [grpc, web] = backend.collector.listening().map(({ address }) => address)
  const front = await start(
    { endpoint: 'localhost:0' },
    `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
exporters:
  otlp_grpc: {endpoint: "${grpc}", tls: {insecure: true}, sending_queue: {enabled: false}}
  otlp_http: {endpoint: "http://${web}", sending_queue: {enabled: false}}
service: {pipelines: {traces: {receivers: [otlp], exporters: [otlp_grpc, otlp_http]}}}`,
  )
  await postTraces(front.collector.listening()[0]!.address, tracesRequest())
  const collectors = () =>
    backend.collector.senders().senders.map(({ transport, collector }) => `${transport} ${collector}`)
  await expect
    .poll(() => collectors().toSorted())
    .toEqual([`grpc ${front.collector.statusAddress}`, `http ${front.collector.statusAddress}`])
})
