import { ROOT_CONTEXT, SpanKind } from '@opentelemetry/api'
import { decodeTraces, tracesFromJson } from '@spoor/otlp'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createExporter, KEEPALIVE_BYTES } from './exporter.ts'
import { resolveOptions } from './options.ts'
import type { WebSpan } from './span.ts'
import { createTracer } from './tracer.ts'

// The exporter with a `fetch` that keeps what it is given; browsers are in the end-to-end tests.

const page = 'http://127.0.0.1:3000/cart'
const settings = resolveOptions({ service: 'shop-web', delayMs: 600_000, maxQueueSize: 300 }, page)
let requests: { body: string; keepalive: boolean; type: string | null; answer: (response: Response | Error) => void }[]
let warnings: string[]

const send = ((_url: string, init: RequestInit) =>
  new Promise<Response>((resolve, reject) => {
    const answer = (response: Response | Error): void =>
      response instanceof Error ? reject(response) : resolve(response)
    const type = new Headers(init.headers).get('content-type')
    requests.push({ body: init.body as string, keepalive: init.keepalive ?? false, type, answer })
  })) as typeof fetch

beforeEach(() => {
  requests = []
  warnings = []
  vi.useFakeTimers()
  vi.stubGlobal('location', new URL(page))
  vi.spyOn(console, 'warn').mockImplementation((text: string) => void warnings.push(text))
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

function start(text = '', given = settings) {
  const exporter = createExporter(given, { 'service.name': 'shop-web' }, send)
  const owner = { common: () => ({}), began() {}, ended: (span: WebSpan) => exporter.add(span) }
  const tracer = createTracer('@spoor/web', owner, 1)
  const make = (count: number): void => {
    for (let i = 0; i < count; i++) tracer.startSpan(`span ${i}`, { attributes: { text } }, ROOT_CONTEXT).end()
  }
  return { exporter, make, tracer }
}
const spansIn = (body: string): number => JSON.parse(body).resourceSpans[0].scopeSpans[0].spans.length
const ok = (): Response => new Response('{}')
const settled = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0)

test('what is sent is OTLP as a receiver reads it', async () => {
  const { exporter, tracer } = start()
  const root = tracer.startSpan(
    'load',
    { startTime: 0, kind: SpanKind.CLIENT, attributes: { whole: 3, half: 0.5, yes: true, list: ['a', 'b'] } },
    ROOT_CONTEXT,
  )
  root.addEvent('paint', { at: 1 }, 12.5).setStatus({ code: 2, message: 'no' })
  root.end(20)
  void exporter.flush()
  const decoded = decodeTraces(tracesFromJson(requests[0]!.body))
  const { resource, scopeSpans } = decoded.resourceSpans[0]!
  expect(resource?.attributes).toMatchObject([{ key: 'service.name', value: { type: 'string', value: 'shop-web' } }])
  expect(scopeSpans[0]!.scope).toMatchObject({ name: '@spoor/web', version: '0.1.0' })
  const [span] = scopeSpans[0]!.spans
  expect(span).toMatchObject({ name: 'load', kind: 3, status: { code: 2, message: 'no' } })
  expect(Number(span!.endTimeUnixNano - span!.startTimeUnixNano)).toBe(20e6)
  expect(Number(span!.events[0]!.timeUnixNano - span!.startTimeUnixNano)).toBe(12.5e6)
  expect(span!.attributes).toMatchObject([
    { key: 'whole', value: { type: 'int', value: 3n } },
    { key: 'half', value: { type: 'double', value: 0.5 } },
    { key: 'yes', value: { type: 'bool', value: true } },
    { key: 'list', value: { type: 'array' } },
  ])
})

test('a page that is left sends as much as goes on without it, and counts the rest as lost', async () => {
  const { exporter, make } = start('x'.repeat(1_000))
  make(300)
  const lost = exporter.leave()
  expect(requests.every(({ keepalive }) => keepalive)).toBe(true)
  const bytes = requests.reduce((sum, { body }) => sum + Buffer.byteLength(body), 0)
  expect(bytes).toBeLessThanOrEqual(KEEPALIVE_BYTES)
  expect(bytes).toBeGreaterThan(0.6 * KEEPALIVE_BYTES)
  const taken = requests.reduce((sum, { body }) => sum + spansIn(body), 0)
  expect(lost).toBe(300 - taken)
  for (const { answer } of requests) answer(ok())
  await settled()
  expect(exporter.counts()).toEqual({ ended: 300, sent: taken, dropped: lost, waiting: 0 })
})

test('a page that is hidden keeps what does not go on without it, and sends it later', async () => {
  const { exporter, make } = start('x'.repeat(1_000))
  make(300)
  exporter.hide()
  const first = requests.length
  for (const { answer } of requests) answer(ok())
  await vi.advanceTimersByTimeAsync(600_000)
  for (const { answer } of requests.slice(first)) answer(ok())
  await settled()
  expect(exporter.counts()).toEqual({ ended: 300, sent: 300, dropped: 0, waiting: 0 })
})

test('what is under way without keepalive as the page is left counts as lost', () => {
  const { exporter, make } = start('x'.repeat(1_000))
  make(300)
  void exporter.flush()
  const exposed = requests.filter(({ keepalive }) => !keepalive).reduce((sum, { body }) => sum + spansIn(body), 0)
  expect(exposed).toBeGreaterThan(200)
  expect(exporter.leave()).toBe(exposed)
})

test('a page that goes before its browser was told that it may send does not ask, and one that stays does', async () => {
  const types = (): (string | null)[] => requests.map(({ type }) => type)
  const { exporter, make } = start()
  make(2)
  exporter.hide()
  make(2)
  exporter.leave()
  expect(types()).toEqual(['text/plain', 'text/plain'])
  for (const { answer } of requests.splice(0)) answer(ok())
  await settled()
  make(2)
  exporter.hide()
  expect(types()).toEqual(['application/json'])
  // Nor is a question saved where one has to be put for the headers, or where none is put for the origin.
  for (const given of [{ headers: { 'x-tenant': 'a' } }, { url: 'http://127.0.0.1:3000/v1/traces' }]) {
    requests = []
    const other = start('', resolveOptions({ service: 'shop-web', ...given }, page))
    other.make(1)
    other.exporter.hide()
    expect(types()).toEqual(['application/json'])
  }
})

test('a receiver that knows JSON by its own name alone gets it so', async () => {
  const { exporter, make } = start()
  make(2)
  exporter.hide()
  requests[0]!.answer(new Response('unsupported media type', { status: 415 }))
  await vi.advanceTimersByTimeAsync(600_000)
  expect(requests.map(({ type }) => type)).toEqual(['text/plain', 'application/json'])
  requests[1]!.answer(ok())
  await settled()
  expect(exporter.counts()).toEqual({ ended: 2, sent: 2, dropped: 0, waiting: 0 })
  expect(warnings).toEqual([])
})

test('spans wait while nobody answers, as many as fit, and are told once', async () => {
  const { exporter, make } = start()
  make(250)
  void exporter.flush()
  make(80)
  for (const { answer } of requests.splice(0)) answer(new TypeError('Failed to fetch'))
  await vi.advanceTimersByTimeAsync(1_000)
  // What comes back has the room that is left.
  expect(exporter.counts()).toEqual({ ended: 330, sent: 0, dropped: 30, waiting: 300 })
  make(5)
  expect(exporter.counts()).toEqual({ ended: 335, sent: 0, dropped: 35, waiting: 300 })
  await vi.advanceTimersByTimeAsync(600_000)
  expect(requests.length).toBeGreaterThan(0)
  while (requests.length > 0) {
    for (const { answer } of requests.splice(0)) answer(ok())
    await vi.advanceTimersByTimeAsync(600_000)
  }
  expect(exporter.counts()).toEqual({ ended: 335, sent: 300, dropped: 35, waiting: 0 })
  expect(warnings.filter((text) => text.includes('no answer from'))).toHaveLength(1)
  expect(warnings.find((text) => text.includes('maxQueueSize'))).toBeDefined()
})

test('what is refused is told with the words of the receiver, and not sent again', async () => {
  const { exporter, make } = start()
  make(3)
  void exporter.flush()
  requests[0]!.answer(new Response('no such path', { status: 404 }))
  await vi.advanceTimersByTimeAsync(600_000)
  expect(requests).toHaveLength(1)
  expect(exporter.counts()).toMatchObject({ dropped: 3, waiting: 0 })
  expect(warnings).toEqual(['@spoor/web: http://localhost:4318/v1/traces answered 404: no such path'])
})

test('a policy that forbids it is told alone, and nothing waits any more', async () => {
  const { exporter, make } = start()
  make(3)
  void exporter.flush()
  requests[0]!.answer(new TypeError('Failed to fetch'))
  await settled()
  exporter.forbid()
  make(2)
  await vi.advanceTimersByTimeAsync(600_000)
  expect(exporter.counts()).toEqual({ ended: 5, sent: 0, dropped: 5, waiting: 0 })
  expect(warnings).toEqual([expect.stringContaining('connect-src http://localhost:4318')])
})
