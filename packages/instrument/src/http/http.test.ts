import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import http, { type RequestOptions } from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import { createRequire } from 'node:module'
import { type AddressInfo, connect, type Socket } from 'node:net'
import {
  context,
  diag,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
} from '@opentelemetry/api'
import { getRPCMetadata, W3CTraceContextPropagator } from '@opentelemetry/core'
import { type Instrumentation, registerInstrumentations } from '@opentelemetry/instrumentation'
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http'
import type { ReadableSpan, Sampler } from '@opentelemetry/sdk-trace'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ContextManager } from '../context-manager.ts'
import { TEST_CERTIFICATE, TEST_KEY } from '../testkit/certificate.ts'
import { collectSpans, listen as listenOn } from '../testkit/spans.ts'
import { withoutTracing } from '../without-tracing.ts'
import { HttpSpans } from './http.ts'

const require = createRequire(import.meta.url)
const { SERVER: server, CLIENT: client } = SpanKind
const patience = { timeout: 30_000 }

let ended: ReadableSpan[]
let stop: (() => void) | undefined
let close: (() => Promise<void>) | undefined

beforeEach(() => {
  context.setGlobalContextManager(new ContextManager().enable())
  propagation.setGlobalPropagator(new W3CTraceContextPropagator())
})

afterEach(async () => {
  await close?.()
  stop?.()
  close = stop = undefined
  context.disable()
  propagation.disable()
  vi.restoreAllMocks()
})

function instrument(instrumentation: Instrumentation, sampler?: Sampler) {
  const collected = collectSpans(sampler)
  const { tracerProvider } = collected
  ;({ ended } = collected)
  stop = registerInstrumentations({ tracerProvider, instrumentations: [instrumentation] })
  // One that was disabled before is not enabled by that.
  instrumentation.enable()
  // Where modules are patched, they are as they are loaded.
  require('node:http')
  return tracerProvider.getTracer('test')
}

async function listen(handler: http.RequestListener): Promise<number> {
  const server = await listenOn(handler)
  ;({ close } = server)
  return server.port
}

/** Resolves with the status, or with the error's code. */
function ask(options: RequestOptions | string, more: RequestOptions = {}, body?: string): Promise<unknown> {
  return new Promise((resolve) => {
    const done = (response: http.IncomingMessage): void => {
      response.on('error', (error: NodeJS.ErrnoException) => resolve(error.code))
      response.resume().on('end', () => resolve(response.statusCode))
    }
    const request =
      typeof options === 'string' ? http.request(options, more, done) : http.request({ ...options, ...more }, done)
    request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code))
    request.end(body)
  })
}

const of = (kind: SpanKind): ReadableSpan[] => ended.filter((span) => span.kind === kind)

/** Ports, and what a connection is called, differ from run to run. */
function comparable(spans: readonly ReadableSpan[], port: number): unknown[] {
  return spans.map(({ name, kind, status, attributes, events, parentSpanContext }) => ({
    name,
    kind,
    status: status.code,
    hasParent: parentSpanContext !== undefined,
    events: events.map((event) => event.name),
    attributes: Object.fromEntries(
      Object.entries(attributes)
        .filter(([key, value]) => key !== 'network.peer.port' && value !== undefined)
        .map(([key, value]) => [
          key,
          typeof value === 'string' ? value.replaceAll(String(port), 'PORT') : value === port ? 'PORT' : value,
        ]),
    ),
  }))
}

type Scenario = (port: number) => Promise<unknown>

const scenarios: Record<string, { do: Scenario; spans: number }> = {
  'a path, a query and who asks': {
    spans: 2,
    do: (port) => ask(`http://127.0.0.1:${port}/a/b?x=1&y=2`, { headers: { 'user-agent': 'tester/1' } }),
  },
  'a body': { spans: 2, do: (port) => ask({ port, host: '127.0.0.1', method: 'POST', path: '/a' }, {}, 'text') },
  'a URL with options beside it': { spans: 2, do: (port) => ask(`http://127.0.0.1:${port}`, { path: '/b' }) },
  'not found': { spans: 2, do: (port) => ask(`http://127.0.0.1:${port}/404`) },
  'a server that fails': { spans: 2, do: (port) => ask(`http://127.0.0.1:${port}/500`) },
  'a method that is none of HTTP': { spans: 2, do: (port) => ask({ port, host: '127.0.0.1', method: 'PURGE' }) },
  'behind a proxy': {
    spans: 2,
    do: (port) =>
      ask(`http://127.0.0.1:${port}/`, {
        headers: {
          'x-forwarded-for': '10.1.2.3, 10.0.0.1',
          'x-forwarded-host': 'shop.example',
          'x-forwarded-proto': 'https',
        },
      }),
  },
  'behind a proxy that says it by RFC 7239': {
    spans: 2,
    do: (port) =>
      ask(`http://127.0.0.1:${port}/`, {
        headers: { forwarded: 'for=10.1.2.3;proto=https;host="shop.example:8443", for=10.0.0.1' },
      }),
  },
  'by another name than its address': {
    spans: 2,
    do: (port) => ask(`http://127.0.0.1:${port}/a`, { headers: { host: 'shop.example' } }),
  },
  'a port that need not be said': {
    spans: 2,
    do: (port) => ask({ host: 'shop.example', path: '/a', createConnection: () => connect(port, '127.0.0.1') }),
  },
  'a port where nobody listens': {
    spans: 1,
    do: async (port) => {
      await close?.()
      close = undefined
      return ask(`http://127.0.0.1:${port}/`)
    },
  },
}

function answer(request: http.IncomingMessage, response: http.ServerResponse): void {
  const { pathname } = new URL(request.url ?? '/', 'http://x')
  if (pathname === '/half') {
    response.writeHead(200, { 'content-length': '100' })
    response.write('half', () => response.destroy())
    return
  }
  const status = Number(pathname.slice(1))
  response.writeHead(status >= 400 ? status : 200).end('ok')
}

/** One for all, as it patches a module once. */
let theirs: HttpInstrumentation | undefined

describe('the spans are those of OpenTelemetry’s instrumentation', () => {
  test.each(Object.entries(scenarios))('%s', async (_, { do: run, spans }) => {
    const all: unknown[][] = []
    const outcomes: unknown[] = []
    for (const make of [() => new HttpSpans(), () => (theirs ??= new HttpInstrumentation())]) {
      instrument(make())
      const port = await listen(answer)
      outcomes.push(await run(port))
      await vi.waitFor(() => expect(ended).toHaveLength(spans), patience)
      all.push(comparable([...of(client), ...of(server)], port))
      await close?.()
      close = undefined
      stop?.()
    }
    expect(all[0]).toEqual(all[1])
    expect(outcomes[0]).toBe(outcomes[1])
  })
})

describe('the context', () => {
  test('is the request’s in what serves it, and the caller’s in what gets the answer', async () => {
    const tracer = instrument(new HttpSpans())
    const seen: Record<string, string | undefined> = {}
    const note = (where: string): void => void (seen[where] = trace.getActiveSpan()?.spanContext().spanId)
    const port = await listen((request, response) => {
      note('handler')
      request.on('data', () => note('data'))
      request.on('end', () => {
        note('end')
        const metadata = getRPCMetadata(context.active())
        if (metadata) metadata.route = '/orders/:id'
        response.end('ok')
      })
      response.on('close', () => note('close'))
    })
    const above = await tracer.startActiveSpan('above', async (span) => {
      await new Promise<void>((resolve) => {
        const request = http.request({ port, host: '127.0.0.1', method: 'POST', path: '/orders/7' }, (response) => {
          note('answer')
          response.resume().on('end', () => {
            note('answered')
            resolve()
          })
        })
        note('made')
        request.end('text')
      })
      span.end()
      return span.spanContext().spanId
    })
    await vi.waitFor(() => expect(ended).toHaveLength(3), patience)
    const [outer, inner] = [of(client)[0]!, of(server)[0]!]
    expect(outer.parentSpanContext?.spanId).toBe(above)
    expect(inner.parentSpanContext).toMatchObject({ spanId: outer.spanContext().spanId, isRemote: true })
    expect(inner.name).toBe('POST /orders/:id')
    expect(inner.attributes['http.route']).toBe('/orders/:id')
    const id = inner.spanContext().spanId
    expect(seen).toEqual({ handler: id, data: id, end: id, close: id, made: above, answer: above, answered: above })
    expect(trace.getActiveSpan()).toBeUndefined()
  })

  test('of requests one after the other on one connection is each its own', async () => {
    instrument(new HttpSpans())
    const seen: (string | undefined)[] = []
    const port = await listen((_, response) => {
      seen.push(trace.getActiveSpan()?.spanContext().traceId)
      response.end('ok')
    })
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    await Promise.all([1, 2, 3].map(() => ask(`http://127.0.0.1:${port}/`, { agent })))
    await vi.waitFor(() => expect(ended).toHaveLength(6), patience)
    agent.destroy()
    expect(new Set(seen).size).toBe(3)
    expect(new Set(seen)).toEqual(new Set(of(server).map((span) => span.spanContext().traceId)))
  })

  test.each([
    ['headers in a list', { headers: ['host', 'x', 'a', 'b'] }],
    ['expect: 100-continue', { headers: { expect: '100-continue' } }],
    ['headers by name', { headers: { a: 'b' } }],
  ])('goes along with %s', async (_, options) => {
    instrument(new HttpSpans())
    const port = await listen((request, response) => response.end(request.headers['a'] ?? ''))
    expect(await ask({ port, host: '127.0.0.1', ...(options as RequestOptions) })).toBe(200)
    await vi.waitFor(() => expect(ended).toHaveLength(2), patience)
    expect(of(server)[0]!.parentSpanContext?.spanId).toBe(of(client)[0]!.spanContext().spanId)
  })

  test('stays behind, and says so, where Node has the headers elsewhere', async () => {
    const warned: string[] = []
    diag.setLogger({ error() {}, warn: (text) => void warned.push(text), info() {}, debug() {}, verbose() {} })
    const elsewhere = ({ request }: { request: { _header: unknown } }): void => {
      request._header = Object(request._header)
    }
    const onCreated = (message: unknown): void => elsewhere(message as { request: { _header: unknown } })
    subscribe('http.client.request.created', onCreated)
    instrument(new HttpSpans())
    const port = await listen((request, response) => response.end(String(request.headers['traceparent'])))
    expect(await ask({ port, host: '127.0.0.1', headers: { expect: '100-continue' } })).toBe(200)
    unsubscribe('http.client.request.created', onCreated)
    diag.disable()
    await vi.waitFor(() => expect(ended).toHaveLength(2), patience)
    expect(of(server)[0]!.parentSpanContext).toBeUndefined()
    expect(warned).toEqual([expect.stringMatching(/^traceparent does not go along .* "expect": Node v\d+\./)])
  })

  test('goes along where nothing is recorded, so that others do not record it either', async () => {
    const tracer = instrument(new HttpSpans())
    const port = await listen((request, response) => response.end(String(request.headers['traceparent'])))
    const unsampled = {
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
      traceFlags: TraceFlags.NONE,
    }
    await context.with(trace.setSpanContext(ROOT_CONTEXT, unsampled), () => ask(`http://127.0.0.1:${port}/`))
    expect(ended).toEqual([])
    await tracer.startActiveSpan('outer', (span) => ask(`http://127.0.0.1:${port}/`).finally(() => span.end()))
    await vi.waitFor(() => expect(ended).toHaveLength(3), patience)
  })
})

test('an answer that breaks off is an error of who has asked, which OpenTelemetry’s does not see', async () => {
  instrument(new HttpSpans())
  const port = await listen(answer)
  expect(await ask(`http://127.0.0.1:${port}/half`)).toBe('ECONNRESET')
  await vi.waitFor(() => expect(ended).toHaveLength(2), patience)
  expect(of(client)[0]).toMatchObject({
    status: { code: SpanStatusCode.ERROR, message: 'aborted' },
    attributes: { 'http.response.status_code': 200, 'error.type': 'Error' },
    events: [{ name: 'exception' }],
  })
})

test('what carries spans away makes none', async () => {
  instrument(new HttpSpans())
  const port = await listen((request, response) => response.end(String(request.headers['traceparent'])))
  await withoutTracing(() => ask(`http://127.0.0.1:${port}/`))
  await vi.waitFor(() => expect(of(server)).toHaveLength(1), patience)
  expect(of(client)).toEqual([])
  expect(of(server)[0]!.parentSpanContext).toBeUndefined()
})

test('where tracing itself fails, requests are made and answered', async () => {
  const failing: Sampler = {
    shouldSample: () => {
      throw new Error('a sampler that fails')
    },
    toString: () => 'failing',
  }
  const errors: string[] = []
  diag.setLogger({ error: (text) => void errors.push(text), warn() {}, info() {}, debug() {}, verbose() {} })
  instrument(new HttpSpans(), failing)
  const port = await listen((_, response) => response.end('ok'))
  expect(await ask(`http://127.0.0.1:${port}/`)).toBe(200)
  diag.disable()
  expect(errors).toEqual(['A request is not traced.', 'A request is not traced.'])
  expect(ended).toEqual([])
})

test('a handler that throws ends its span with the error, and the error goes on', async () => {
  instrument(new HttpSpans())
  const failing = new http.Server(() => {
    throw new TypeError('bad')
  })
  const request = { method: 'GET', url: '/x', headers: {}, httpVersion: '1.1', socket: {}, emit: () => true }
  const response = { statusCode: 200, emit: () => true }
  // As Node does before a server's first request.
  const { channel } = await import('node:diagnostics_channel')
  channel('http.server.request.start').publish({ request, response, socket: {}, server: failing })
  expect(() => failing.emit('request', request as never, response as never)).toThrow(new TypeError('bad'))
  expect(ended).toHaveLength(1)
  expect(ended[0]).toMatchObject({
    status: { code: SpanStatusCode.ERROR, message: 'bad' },
    attributes: { 'error.type': 'TypeError' },
  })
})

test('a connection that is taken over, and an answer that nobody reads', async () => {
  instrument(new HttpSpans())
  const port = await listen((_, response) => response.end('ok'))
  await new Promise<void>((resolve) => {
    http.get(`http://127.0.0.1:${port}/`).on('close', resolve)
  })
  await vi.waitFor(() => expect(ended).toHaveLength(2), patience)
  expect(of(client)[0]!.attributes['http.response.status_code']).toBe(200)
  await close?.()
  const upgrading = http.createServer()
  upgrading.on('upgrade', (_, socket: Socket) => {
    socket.end('HTTP/1.1 101 Switching Protocols\r\nupgrade: test\r\nconnection: upgrade\r\n\r\n')
  })
  await new Promise<void>((resolve) => void upgrading.listen(0, '127.0.0.1', resolve))
  close = () => new Promise<void>((resolve) => void upgrading.close(() => resolve()))
  await new Promise<void>((resolve) => {
    http
      .get({
        port: (upgrading.address() as AddressInfo).port,
        host: '127.0.0.1',
        headers: { connection: 'upgrade', upgrade: 'test' },
      })
      .on('upgrade', (_, socket) => socket.destroy())
      .on('close', resolve)
  })
  await vi.waitFor(() => expect(of(client)).toHaveLength(2), patience)
  expect(of(client)[1]!.attributes['http.response.status_code']).toBe(101)
})

test('a server that takes HTTP/2, too, has spans of what comes by HTTP/1.1, always', async () => {
  instrument(new HttpSpans())
  const both = http2.createSecureServer({ key: TEST_KEY, cert: TEST_CERTIFICATE, allowHTTP1: true }, (_, response) =>
    response.end(),
  )
  await new Promise<void>((resolve) => void both.listen(0, resolve))
  const { port } = both.address() as AddressInfo
  close = () => new Promise<void>((resolve) => void both.close(() => resolve()))
  const options = { rejectUnauthorized: false }
  const byTwo = (): Promise<unknown> => {
    const session = http2.connect(`https://localhost:${port}`, options)
    const stream = session.request().resume()
    return once(stream, 'close').finally(() => session.close())
  }
  await byTwo()
  const [response] = (await once(https.get({ ...options, port, agent: false }), 'response')) as [http.IncomingMessage]
  response.resume()
  await byTwo()
  await vi.waitFor(() => expect(ended).toHaveLength(2), patience)
  expect(of(server).map(({ attributes }) => attributes['network.protocol.version'])).toEqual(['1.1'])
})

test('once it is disabled there are no more spans', async () => {
  const spans = new HttpSpans()
  instrument(spans)
  const port = await listen((_, response) => response.end('ok'))
  await ask(`http://127.0.0.1:${port}/`)
  await vi.waitFor(() => expect(ended).toHaveLength(2), patience)
  spans.disable()
  await ask(`http://127.0.0.1:${port}/`)
  expect(ended).toHaveLength(2)
  spans.enable()
  await ask(`http://127.0.0.1:${port}/`)
  await vi.waitFor(() => expect(ended).toHaveLength(4), patience)
  // Tracing that is started anew has the servers that there are.
  spans.disable()
  instrument(new HttpSpans())
  await ask(`http://127.0.0.1:${port}/`)
  await vi.waitFor(() => expect(ended).toHaveLength(2), patience)
})
