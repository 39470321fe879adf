import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { freePort } from '@spoor/collector/testkit'
import { countSpans, decodeTraces } from '@spoor/otlp'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { runCli } from '../cli.ts'
import { startTestSpoor, type TestSpoor } from '../testkit.ts'
import { createCorpus } from './corpus.ts'
import { createPass, traceIdIn } from './patch.ts'
import { createReplay } from './replay.ts'
import { verifyTraces } from './verify.ts'

let spoor: TestSpoor
beforeAll(async () => {
  spoor = await startTestSpoor()
})
afterAll(() => spoor.remove())

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

interface Report {
  readonly spans: number
  readonly requests: number
  readonly refused: number
  readonly verified: { readonly asked: number; readonly whole: number }
}

async function loadgen(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const io = { stdout: new PassThrough(), stderr: new PassThrough() }
  const code = await runCli(['node', 'spoor', 'loadgen', ...args], io)
  io.stdout.end()
  io.stderr.end()
  return { code, stdout: await text(io.stdout), stderr: await text(io.stderr) }
}

const report = async (...args: string[]): Promise<Report> => {
  const { code, stdout, stderr } = await loadgen(...args, '--json')
  expect([code, stderr]).toEqual([0, expect.stringMatching(/^(shop|small-requests), seed \d+: spans of \d+ bytes/)])
  return JSON.parse(stdout) as Report
}
const stored = async (): Promise<number> => (await spoor.store.stats()).spans

describe('spoor loadgen', () => {
  it('sends so many spans over gRPC, and reads traces back', async () => {
    const before = await stored()
    const where = ['--endpoint', spoor.urls.otlpGrpc!, '--verify', spoor.urls.page]
    const sent = await report(...where, '--spans', '700', '--spans-per-request', '64')
    expect(sent).toMatchObject({ refused: 0, requests: Math.ceil(sent.spans / 64) })
    expect(sent.verified.asked).toBeGreaterThan(20)
    expect(sent.verified.whole).toBe(sent.verified.asked)
    expect(sent.spans).toBeGreaterThanOrEqual(700)
    expect((await stored()) - before).toBe(sent.spans)
  })

  it('sends over HTTP with gzip', async () => {
    const where = ['--protocol', 'http', '--compression', 'gzip', '--endpoint', spoor.urls.otlpHttp!]
    const args = [...where, '--shape', 'small-requests', '--spans', '300', '--verify', spoor.urls.page]
    const { verified } = await report(...args)
    expect(verified.asked).toBeGreaterThan(10)
    expect(verified.whole).toBe(verified.asked)
  })

  it('has other ids in each pass over what is prepared, and with each seed', async () => {
    const corpus = createCorpus(3, 1, { spansPerRequest: 20 })
    const sent = async (seed: number, gzipPasses: number) => {
      const passOf = (number: number) => createPass(number, BigInt(Date.now()) * 1_000_000n, false, seed)
      const replay = createReplay({ corpus, passOf, gzipPasses })
      const address = spoor.urls.otlpGrpc!
      const order = { protocol: 'grpc', address, gzip: gzipPasses > 0, spans: 300, maxMs: Infinity } as const
      const { spans, passes } = await replay.send(order)
      expect(spans).toBe(300)
      return passes.flatMap(({ number }) =>
        corpus.traces.map((trace) => ({ id: traceIdIn(passOf(number), trace.traceId), spans: trace.spans })),
      )
    }
    const traces = [...(await sent(1, 0)), ...(await sent(2, 0)), ...(await sent(3, 5))]
    expect(new Set(traces.map(({ id }) => id)).size).toBe(3 * 5 * corpus.traces.length)
    expect(await verifyTraces(spoor.urls.page, traces)).toEqual({
      asked: traces.length,
      whole: traces.length,
      wrong: [],
    })
  })

  it('sends again what is refused for now, and counts it', async () => {
    const bodies: Buffer[] = []
    let calls = 0
    const url = await serve((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const refused = calls++ % 2 === 0
        if (!refused) bodies.push(Buffer.concat(chunks))
        response.writeHead(refused ? 503 : 200).end('later')
      })
    })
    const args = ['--protocol', 'http', '--endpoint', url, '--senders', '1', '--header', 'x-tenant=a']
    const sent = await report(...args, '--spans', '200', '--spans-per-request', '50')
    expect(sent).toMatchObject({ spans: 200, requests: 4, refused: 4 })
    expect(bodies.map((body) => countSpans(body))).toEqual([50, 50, 50, 50])
  })

  it('spreads the times of spans over as long as is asked for, up to now', async () => {
    const hoursAgo: number[] = []
    const url = await serve((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        for (const { scopeSpans } of decodeTraces(Buffer.concat(chunks)).resourceSpans) {
          for (const { startTimeUnixNano } of scopeSpans.flatMap(({ spans }) => spans))
            hoursAgo.push((Date.now() - Number(startTimeUnixNano / 1_000_000n)) / 3_600_000)
        }
        response.writeHead(200).end()
      })
    })
    const args = ['--protocol', 'http', '--endpoint', url, '--seed', '7', '--spans-per-request', '100']
    await report(...args, '--spans', '2000', '--over', '6h')
    expect(hoursAgo.length).toBe(2_000)
    expect(new Set(hoursAgo.map(Math.floor))).toEqual(new Set([0, 1, 2, 3, 4, 5]))
  })

  it('says what is wrong when nobody listens, or what listens refuses for good', async () => {
    const port = await freePort()
    const nobody = await loadgen('--endpoint', `127.0.0.1:${port}`, '--spans', '10')
    expect(nobody.code).toBe(1)
    expect(nobody.stderr).toMatch(/127\.0\.0\.1:\d+: connect ECONNREFUSED .*; 0 spans were acknowledged before/)
    const page = await loadgen('--protocol', 'http', '--endpoint', spoor.urls.page, '--spans', '10')
    expect(page.code).toBe(1)
    expect(page.stderr).toMatch(/: HTTP 404.*; 0 spans were acknowledged before/)
  })
})

it('a trace that lacks spans, or is not there, is told', async () => {
  const url = await serve((request, response) => {
    const isThere = request.url === `/api/traces/${'a'.repeat(32)}`
    response.writeHead(isThere ? 200 : 404).end(isThere ? JSON.stringify({ data: [{ spans: [{}, {}] }] }) : '{}')
  })
  const traces = [
    { id: 'a'.repeat(32), spans: 2 },
    { id: 'a'.repeat(32), spans: 3 },
    { id: 'b'.repeat(32), spans: 1 },
  ]
  expect(await verifyTraces(url, traces, { patienceMs: 0 })).toEqual({
    asked: 3,
    whole: 1,
    wrong: [`trace ${'a'.repeat(32)}: 2 of 3 spans are there`, `trace ${'b'.repeat(32)}: 0 of 1 spans are there`],
  })
  const twice = [{ id: 'a'.repeat(32), spans: 1 }]
  expect((await verifyTraces(url, twice, { patienceMs: 0, repeated: true })).whole).toBe(1)
  expect((await verifyTraces(url, twice, { patienceMs: 0 })).whole).toBe(0)
})

it('spans are made as large, and requests as long, as is asked for', () => {
  const { requests, spans } = createCorpus(10, 1, { spansPerRequest: 20, spanBytes: 2_000 })
  expect(requests.map(({ bytes }) => countSpans(bytes))).toEqual(Array.from({ length: 10 }, () => 20))
  const bytes = requests.reduce((sum, request) => sum + request.bytes.length, 0) / spans
  expect(bytes).toBeGreaterThan(1_990)
  expect(bytes).toBeLessThan(2_100)
})
