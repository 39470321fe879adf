import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { createCollector } from '@spoor/collector'
import { builtinFactories } from '@spoor/collector/factories'
import { freePort, postTraces, tracesRequest } from '@spoor/collector/testkit'
import { expect, onTestFinished, test } from 'vitest'
import type { PipelinesResponse, SendersResponse } from './api.ts'
import { createLogger } from './logging.ts'
import { startTestSpoor, type TestSpoor } from './testkit.ts'

async function start(host?: string): Promise<TestSpoor> {
  const spoor = await startTestSpoor(host === undefined ? {} : { host })
  onTestFinished(() => spoor.remove())
  return spoor
}

/** A collector that sends to it, on this machine. */
async function collectorTo(spoor: TestSpoor) {
  const config = `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
exporters: {otlp_http: {endpoint: "${spoor.urls.otlpHttp}", sending_queue: {enabled: false}}}
service: {pipelines: {traces: {receivers: [otlp], exporters: [otlp_http]}}}`
  const logger = createLogger('silent')
  const status = { endpoint: `localhost:${await freePort()}` }
  const collector = createCollector({ config, factories: builtinFactories, logger, status })
  onTestFinished(() => collector.shutdown({ deadlineMs: 500 }))
  await collector.start()
  return collector
}

/** Sends with a header that says where the collector's status is. */
async function announce(spoor: TestSpoor, address: string): Promise<void> {
  const headers = { 'content-type': 'application/x-protobuf', 'spoor-collector': address }
  await fetch(`${spoor.urls.otlpHttp}/v1/traces`, { method: 'POST', headers, body: Buffer.from(tracesRequest()) })
}

/** Whatever answers at its address. */
async function fake(handler: http.RequestListener): Promise<{ address: string; paths: string[] }> {
  const paths: string[] = []
  const server = http.createServer((request, response) => {
    paths.push(request.url!)
    handler(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, paths }
}

const PIPELINES = '/api/spoor/v1/pipelines'

test('its own pipelines, who sends to it, and its configuration', async () => {
  const spoor = await start()
  await spoor.post(tracesRequest({ spans: 5 }))
  expect(await spoor.json<PipelinesResponse>(PIPELINES)).toMatchObject({
    status: { status: 'ok' },
    pipelines: [{ id: 'traces', components: [{ id: 'otlp', figures: { out: 5 } }, { id: 'spoor_storage' }] }],
    collectors: [],
  })
  const { senders } = await spoor.json<SendersResponse>('/api/spoor/v1/senders')
  expect(senders).toMatchObject([{ receiver: 'otlp', transport: 'http', peer: '127.0.0.1', items: 5 }])
  expect(await spoor.json('/api/spoor/v1/config')).toMatchObject({ exporters: { spoor_storage: null } })
})

test('a collector that sends to it is shown with its own pipelines, and what is wrong with its senders', async () => {
  const spoor = await start()
  const collector = await collectorTo(spoor)
  const { address } = collector.listening()[0]!
  await postTraces(address, tracesRequest({ spans: 4 }))
  await fetch(`http://${address}/v1/traces/v1/traces`, { method: 'POST' })
  const { collectors } = await spoor.json<PipelinesResponse>(PIPELINES)
  expect(collectors).toMatchObject([
    {
      address: collector.statusAddress,
      status: { pipelines: [{ id: 'traces', components: [{ id: 'otlp', figures: { out: 4 } }, { id: 'otlp_http' }] }] },
      attention: [{ code: 'doubled_path' }],
    },
  ])
  expect((await spoor.json<PipelinesResponse>(`${PIPELINES}?own`)).collectors).toEqual([])
})

test('what is announced from elsewhere, or of elsewhere, is not followed', async () => {
  const spoor = await start()
  const { address, paths } = await fake((_, response) => response.end('{}'))
  await announce(spoor, 'http://10.255.255.1:80')
  await announce(spoor, address.replace('127.0.0.1', 'evil.localhost'))
  await announce(spoor, `${address}/admin`)
  expect((await spoor.json<PipelinesResponse>(PIPELINES)).collectors).toEqual([])
  expect(paths).toEqual([])
})

test.each<[name: string, handler: http.RequestListener, error: RegExp]>([
  ['that hangs', () => {}, /no answer within 1000 ms/],
  ['of another kind', (_, response) => response.end('{"a":1}'), /not the status of a collector/],
  ['that has no end', (_, response) => response.end('x'.repeat(2_000_000)), /longer than 1048576 bytes/],
  [
    'that leads elsewhere',
    (_, response) => response.writeHead(302, { location: 'http://10.0.0.1/' }).end(),
    /redirect/,
  ],
  ['that refuses', (_, response) => response.writeHead(401).end(), /status 401/],
])('an answer %s is told, and bounded', async (_, handler, error) => {
  const spoor = await start()
  const { address, paths } = await fake(handler)
  await announce(spoor, address)
  const { collectors } = await spoor.json<PipelinesResponse>(PIPELINES)
  expect(collectors).toMatchObject([{ address, error: expect.stringMatching(error) as string }])
  expect(paths).toEqual([`${PIPELINES}?own`])
})

test('pages of other sites cannot tap it', async () => {
  const spoor = await start()
  const path = '/api/spoor/v1/tap?edge=traces:spoor_storage'
  const headers = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }
  const request = http.get(`${spoor.urls.page}${path}`, { headers })
  const status = await new Promise((resolve) =>
    request.on('response', (response) => resolve(response.resume().statusCode)),
  )
  expect(status).toBe(403)
})

test('to be asked for its head only does not begin a tap', async () => {
  const spoor = await start()
  const response = await fetch(`${spoor.urls.page}/api/spoor/v1/tap?edge=traces:spoor_storage`, { method: 'HEAD' })
  expect(response.status).toBe(405)
})

test('opened to other machines, it does not show its configuration', async () => {
  const spoor = await start('0.0.0.0')
  const response = await fetch(`${spoor.urls.page.replace('0.0.0.0', '127.0.0.1')}/api/spoor/v1/config`)
  expect(response.status).toBe(403)
})
