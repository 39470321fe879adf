import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { tracesFromJson, countSpans } from '@spoor/otlp'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createCollector, type Collector } from '../collector.ts'
import { builtinFactories } from '../factories.ts'
import { createTestLogger, postTraces, tracesRequest } from '../testkit/index.ts'
import { STATUS_PATHS, type EdgesStatus } from './contract.ts'

const yaml = (processors = 'nop, batch'): string => `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
processors: {nop: , batch: {timeout: 1ms}}
exporters: {nop/a: , nop/b: }
service:
  pipelines:
    traces: {receivers: [otlp], processors: [${processors}], exporters: [nop/a, nop/b]}
    logs: {receivers: [otlp], exporters: [nop/a]}`

async function start(): Promise<Collector> {
  const status = { endpoint: 'localhost:0' }
  const collector = createCollector({ config: yaml(), factories: builtinFactories, logger: createTestLogger(), status })
  onTestFinished(() => collector.shutdown({ deadlineMs: 500 }))
  await collector.start()
  return collector
}

const send = (collector: Collector, spans = 3) =>
  postTraces(collector.listening()[0]!.address, tracesRequest({ spans, services: 2, rich: true }))

async function ask(collector: Collector, query = ''): Promise<Response> {
  const over = new AbortController()
  onTestFinished(() => over.abort())
  return fetch(`${collector.statusAddress}${STATUS_PATHS.tap}${query}`, { signal: over.signal })
}

async function linesOf(response: Response): Promise<string[]> {
  const lines: string[] = []
  for await (const line of createInterface({ input: Readable.fromWeb(response.body as never) }))
    if (line !== '') lines.push(line)
  return lines
}

test('the edges of the graph', async () => {
  const collector = await start()
  const { edges } = (await (await ask(collector)).json()) as EdgesStatus
  expect(edges.map(({ id, from, to, signal }) => [id, from.join(), to, signal])).toEqual([
    ['traces:nop', 'otlp', 'nop', 'traces'],
    ['traces:batch', 'nop', 'batch', 'traces'],
    ['traces:nop/a', 'batch', 'nop/a', 'traces'],
    ['traces:nop/b', 'batch', 'nop/b', 'traces'],
    ['logs:nop/a', 'otlp', 'nop/a', 'logs'],
  ])
})

test.each(['traces:nop', 'traces:batch', 'traces:nop/b'])('the next items at %s, and then no more', async (edge) => {
  const collector = await start()
  await send(collector)
  const response = await ask(collector, `?edge=${edge}&count=4`)
  const lines = linesOf(response)
  for (let index = 0; index < 2; index++) await send(collector)
  const requests = await lines
  expect(requests).toHaveLength(4)
  expect(requests.map((line) => countSpans(tracesFromJson(Buffer.from(line))))).toEqual([1, 1, 1, 1])
  const resources = requests.map((line) => /service-\d/.exec(line)?.[0])
  expect(new Set(resources)).toEqual(new Set(['service-0', 'service-1']))
})

test('what is to be redacted is not shown, on whatever it is', async () => {
  const collector = await start()
  const response = await ask(
    collector,
    '?edge=traces:batch&count=1&redact=service.name,%20http.route&redact=exception.type',
  )
  await send(collector)
  const [line = ''] = await linesOf(response)
  expect(line).toContain('{"key":"service.name","value":{"stringValue":"[REDACTED]"}}')
  expect(line).toContain('{"key":"http.route","value":{"stringValue":"[REDACTED]"}}')
  expect(line).not.toContain('service-0')
  expect(line).toContain('"key":"http.request.method","value":{"stringValue":"')
})

test('other edges, counts, and too many taps are refused in words', async () => {
  const collector = await start()
  const textOf = async (query: string) => (await ask(collector, query)).text()
  expect(await textOf('?edge=traces:nothing')).toMatch(
    /^404 there is no edge "traces:nothing"; there are: traces:nop, /,
  )
  for (const count of ['0', '1001', 'many', '1.5'])
    expect(await textOf(`?edge=traces:nop&count=${count}`)).toBe('400 count: not a number of items, 1 to 1000\n')
  const controllers = Array.from({ length: 4 }, () => new AbortController())
  const url = `${collector.statusAddress}${STATUS_PATHS.tap}?edge=traces:nop`
  for (const { signal } of controllers) expect((await fetch(url, { signal })).status).toBe(200)
  expect(await textOf('?edge=traces:nop')).toMatch(/^503 4 others are looking already/)
  for (const controller of controllers) controller.abort()
  await vi.waitFor(async () => expect((await ask(collector, '?edge=traces:nop')).status).toBe(200))
})

test('who asks for the head of an answer only takes no tap from the others', async () => {
  const collector = await start()
  const url = `${collector.statusAddress}${STATUS_PATHS.tap}?edge=traces:nop`
  for (let index = 0; index < 5; index++) expect((await fetch(url, { method: 'HEAD' })).status).toBe(200)
})

test('a tap goes on over a reload that changes its edge, and ends with the collector', async () => {
  const collector = await start()
  const lines = linesOf(await ask(collector, '?edge=traces:batch&count=100'))
  await collector.reload(yaml('batch'))
  await send(collector, 2)
  await collector.shutdown({ deadlineMs: 500 })
  expect(await lines).toHaveLength(2)
})

test('a reader that takes nothing misses what comes beyond a bound, and holds up nobody', async () => {
  const collector = await start()
  const answer = collector.tap(new URLSearchParams('edge=traces:nop&count=1000'))
  if (!('items' in answer)) throw new Error('no tap')
  for (let index = 0; index < 10; index++) expect(await send(collector, 300)).toBe(200)
  expect(answer.items.readableLength).toBeLessThan(1024 * 1024 + 10_000)
  collector.tap(new URLSearchParams())
  const lines: string[] = []
  answer.items.on('data', (data: Buffer) => lines.push(data.toString()))
  await send(collector, 900)
  await vi.waitFor(() => expect(answer.items.readableEnded).toBe(true))
  const { missed } = JSON.parse(lines.join('').trim().split('\n').at(-1)!) as { missed: number }
  expect(missed).toBeGreaterThan(1000)
})
