/** `spoor collector top` and `tap` against collectors that run. */
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { type Collector, createCollector } from '@spoor/collector'
import { builtinFactories } from '@spoor/collector/factories'
import { freePort, postTraces, tracesRequest } from '@spoor/collector/testkit'
import { expect, onTestFinished, test, vi } from 'vitest'
import { runCli } from '../cli.ts'
import { createLogger } from '../logging.ts'
import { startTestSpoor } from '../testkit.ts'
import { plain } from './terminal.ts'

/** For looks of a second each. */
const WITHIN = { timeout: 15_000 }

async function start(exporter = 'nop: '): Promise<{ collector: Collector; otlp: string; status: string }> {
  const name = exporter.split(':')[0]
  const config = `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
processors: {batch: {timeout: 1ms}}
exporters: {${exporter}}
service: {pipelines: {traces: {receivers: [otlp], processors: [batch], exporters: [${name}]}}}`
  const status = { endpoint: `localhost:${await freePort()}` }
  const collector = createCollector({ config, factories: builtinFactories, logger: createLogger('silent'), status })
  onTestFinished(() => collector.shutdown({ deadlineMs: 200 }))
  await collector.start()
  return { collector, otlp: collector.listening()[0]!.address, status: status.endpoint }
}

function spoor(...args: string[]) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  let output = ''
  for (const stream of [stdout, stderr]) stream.on('data', (data: Buffer) => (output += data.toString()))
  const code = runCli(['node', 'spoor', 'collector', ...args], { stdout, stderr })
  return { code, output: () => output, whole: async () => ({ code: await code, output }) }
}

test('top: components, rates, troubles, senders and what was refused to them', async () => {
  const { otlp, status } = await start('otlp_http: {endpoint: "http://127.0.0.1:1"}')
  await postTraces(otlp, tracesRequest({ spans: 1234 }))
  await fetch(`http://${otlp}/v1/trace`, { method: 'POST', headers: { 'user-agent': 'curl' } })
  await vi.waitFor(async () => {
    const { code, output } = await spoor('top', '--once', '--status-endpoint', status).whole()
    expect(code).toBe(0)
    expect(output).toMatch(/traces +receiver otlp +ok +0\.0 +0\.0 +1,234 +1,234\n/)
    expect(output).toMatch(/ processor batch +ok +0\.0 +0\.0 +1,234 +1,234\n/)
    expect(output).toMatch(/ exporter otlp_http +recoverable error +0\.0 +0 +1 \(0 %\)/)
    expect(output).toMatch(/! exporter otlp_http +\d+ s: cannot send to http:\/\/127\.0\.0\.1:1: /)
    expect(output).toMatch(/127\.0\.0\.1 +\S+ +otlp http +\d+ s +1,234 +1 +service-0 \(nodejs\)\n/)
    expect(output).toMatch(
      /! 127\.0\.0\.1 curl +wrong_path: Requests come to \/v1\/trace, where nothing is\.\n +OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http:\/\/127\.0\.0\.1:\d+\/v1\/traces/,
    )
  }, WITHIN)
})

test('top: rates are those of the last second', async () => {
  const { otlp, status } = await start()
  const top = spoor('top', '--once', '--status-endpoint', status)
  const sending = setInterval(() => void postTraces(otlp, tracesRequest({ spans: 50 })).catch(() => {}), 20)
  onTestFinished(() => clearInterval(sending))
  const { output } = await top.whole()
  expect(Number(/receiver otlp +ok +([\d,.]+)/.exec(output)?.[1]?.replace(',', ''))).toBeGreaterThan(0)
})

test('top of a Spoor shows the collectors that send to it', async () => {
  const store = await startTestSpoor()
  onTestFinished(() => store.remove())
  const { collector, otlp } = await start(`otlp_http: {endpoint: "${store.urls.otlpHttp}"}`)
  await postTraces(otlp, tracesRequest())
  const page = new URL(store.urls.page).host
  await vi.waitFor(async () => {
    const { output } = await spoor('top', '--once', '--status-endpoint', page).whole()
    expect(output).toContain('exporter spoor_storage')
    expect(output).toContain(`collector ${collector.statusAddress}  ok`)
    expect(output).toMatch(/traces +receiver otlp .*\n.*processor batch/)
  }, WITHIN)
})

test('tap: the edges; the next spans, for people and as JSON', async () => {
  const { otlp, status } = await start()
  const edges = await spoor('tap', '--status-endpoint', status).whole()
  expect(edges).toEqual({
    code: 0,
    output: expect.stringMatching(/traces:batch +otlp +batch +spans\n +traces:nop +batch +nop +spans\n/) as string,
  })
  const sending = setInterval(() => void postTraces(otlp, tracesRequest({ spans: 2 })).catch(() => {}), 50)
  onTestFinished(() => clearInterval(sending))
  const people = await spoor(
    'tap',
    'batch',
    '--count',
    '2',
    '--redact',
    'host.name,http.route',
    '--status-endpoint',
    status,
  ).whole()
  expect(people.output).toMatch(
    /^service-0 {2}(GET|POST|PUT|DELETE) \/\S+ {2}server {2}[\d.]+ ms\n {2}trace +[0-9a-f]{32} {2}span [0-9a-f]{16}/,
  )
  expect(people.output).toMatch(/host\.name=\[REDACTED\]/)
  expect(people.output).toMatch(/http\.route=\[REDACTED\]/)
  expect(people.output.match(/^service-0/gm)).toHaveLength(2)
  const json = await spoor('tap', 'traces:nop', '--count', '3', '--json', '--status-endpoint', status).whole()
  expect(
    json.output
      .trim()
      .split('\n')
      .map((line) => Object.keys(JSON.parse(line) as object)),
  ).toEqual([['resourceSpans'], ['resourceSpans'], ['resourceSpans']])
})

test('tap of a Spoor', async () => {
  const store = await startTestSpoor()
  onTestFinished(() => store.remove())
  const sending = setInterval(() => void store.post(tracesRequest({ spans: 2 })).catch(() => {}), 50)
  onTestFinished(() => clearInterval(sending))
  const page = new URL(store.urls.page).host
  const { output } = await spoor('tap', 'spoor_storage', '--count', '1', '--status-endpoint', page).whole()
  expect(output).toMatch(/^service-0 /)
  clearInterval(sending)
})

test('what is wrong is told with a way out', async () => {
  const { status } = await start()
  const port = await freePort()
  const none = await spoor('top', '--status-endpoint', `localhost:${port}`).whole()
  expect(none).toEqual({
    code: 1,
    output: expect.stringMatching(
      /no collector was found:\n {2}http:\/\/localhost:\d+: .*ECONNREFUSED.*\nis it running/,
    ) as string,
  })
  const edge = await spoor('tap', 'traces:bach', '--status-endpoint', status).whole()
  expect(edge).toEqual({
    code: 2,
    output: expect.stringContaining('there is no edge traces:bach; did you mean "traces:batch"?') as string,
  })
  const action = await spoor('tpo').whole()
  expect(action).toEqual({
    code: 2,
    output: expect.stringContaining('spoor collector tpo is no command; did you mean "top"?') as string,
  })
  const count = await spoor('tap', 'batch', '--count', '1001').whole()
  expect(count).toEqual({
    code: 2,
    output: expect.stringContaining('--count: "1001" is not a number from 1 to 1000') as string,
  })
})

test.each<[name: string, answer: http.RequestListener, says: string]>([
  [
    'something else',
    (_, response) => response.setHeader('content-type', 'text/html').end('<p>hello'),
    'something else than a collector of Spoor answers there',
  ],
  [
    'a Spoor that refuses',
    (_, response) =>
      response.writeHead(403).end(JSON.stringify({ error: { code: 'forbidden', message: 'not for "you"\\' } })),
    '/api/spoor/v1/pipelines: not for "you"\\\n',
  ],
])('%s at the port', async (_, answer, says) => {
  const other = http.createServer(answer)
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void other.close())
  const { port } = other.address() as AddressInfo
  const { code, output } = await spoor('top', '--once', '--status-endpoint', `127.0.0.1:${port}`).whole()
  expect([code, output]).toEqual([1, expect.stringContaining(says) as string])
})

test('what a sender chose cannot steer the terminal', () => {
  expect(plain('a\u001b[2Jb\nc\u202ed')).toBe('a·[2Jb·c·d')
  expect(plain('x'.repeat(100), 10)).toBe(`${'x'.repeat(9)}…`)
})
