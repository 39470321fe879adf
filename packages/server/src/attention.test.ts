/** Set-ups that people get wrong, made with the official SDK or raw requests: each is named with its line, the line is applied as it stands, and it works. */
import http from 'node:http'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { runInNewContext } from 'node:vm'
import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc'
import { OTLPTraceExporter as ProtoExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { SimpleSpanProcessor, type SpanExporter, TracerProvider } from '@opentelemetry/sdk-trace'
import { tracesFromJson, tracesToJson } from '@spoor/otlp'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { AttentionRow, SendersResponse, StatusResponse } from './api.ts'
import { originsOf } from './cli-values.ts'
import { requestOf, spanIdOf, startTestSpoor, type TestSpoor, traceIdOf } from './testkit.ts'

let spoor: TestSpoor
beforeAll(async () => {
  spoor = await startTestSpoor()
})
afterAll(() => spoor.remove())

const senders = () => spoor.json<SendersResponse>('/api/spoor/v1/senders')

/** The entry of a code, once it is there; also in the status. */
async function told(code: string, from: TestSpoor = spoor): Promise<AttentionRow> {
  const find = async (): Promise<AttentionRow | undefined> => {
    const { attention } = await from.json<StatusResponse>('/api/spoor/v1/status')
    return attention.find((one) => one.code === code)
  }
  await expect.poll(find, { timeout: 20_000 }).toBeDefined()
  const found = (await find())!
  const ofSenders = (await from.json<SendersResponse>('/api/spoor/v1/senders')).senders.flatMap(
    ({ attention }) => attention,
  )
  expect(ofSenders.map((one) => one.code)).toContain(code)
  expect(found.mend).not.toBe('')
  expect(found.count).toBeGreaterThan(0)
  return found
}

/** `NAME=value` as the environment of what follows, and of nothing else. */
async function withEnv<T>(lines: readonly string[], run: () => Promise<T>): Promise<T> {
  const before = { ...process.env }
  for (const line of lines) process.env[line.slice(0, line.indexOf('='))] = line.slice(line.indexOf('=') + 1)
  try {
    return await run()
  } finally {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name]
    Object.assign(process.env, before)
  }
}

/** A span as an SDK would send it that is set up by its environment alone. Whether it was taken. */
async function export_(env: readonly string[], timeoutMs = 10_000): Promise<boolean> {
  return withEnv([`OTEL_EXPORTER_OTLP_TIMEOUT=${timeoutMs}`, ...env], async () => {
    const isGrpc = process.env['OTEL_EXPORTER_OTLP_PROTOCOL'] === 'grpc'
    const exporter: SpanExporter = isGrpc ? new GrpcExporter() : new ProtoExporter()
    const results: number[] = []
    const watched: SpanExporter = {
      export: (spans, done) =>
        exporter.export(spans, (result) => {
          results.push(result.code)
          done(result)
        }),
      shutdown: () => exporter.shutdown(),
      forceFlush: async () => exporter.forceFlush?.(),
    }
    const provider = new TracerProvider({
      resource: resourceFromAttributes({ 'service.name': 'tried' }),
      spanProcessors: [new SimpleSpanProcessor({ exporter: watched })],
    })
    provider.getTracer('test').startSpan('tried').end()
    await expect.poll(() => results.length, { timeout: 20_000 }).toBe(1)
    await provider.shutdown()
    return results[0] === 0
  })
}

interface Sent {
  readonly path?: string
  readonly method?: string
  readonly headers?: http.OutgoingHttpHeaders
  readonly body?: string | Uint8Array
}

/** A bare request to the HTTP port: what fetch would not send. */
async function send({ path = '/v1/traces', method = 'POST', headers = {}, body = '' }: Sent, to = spoor) {
  return new Promise<http.IncomingMessage>((resolve, reject) => {
    const request = http.request(`${to.urls.otlpHttp}${path}`, { method, headers, agent: false }, (response) => {
      response.resume()
      resolve(response)
    })
    request.on('error', reject).end(body)
  })
}

const JSON_TYPE = { 'content-type': 'application/json' }
const PROTOBUF = { 'content-type': 'application/x-protobuf' }

describe('an SDK that is set up by its environment', () => {
  const http_ = () => spoor.urls.otlpHttp!
  const grpc = () => spoor.urls.otlpGrpc!
  it.each<[code: string, name: string, env: () => readonly string[]]>([
    ['doubled_path', 'the path in the base address', () => [`OTEL_EXPORTER_OTLP_ENDPOINT=${http_()}/v1/traces`]],
    ['missing_path', 'no path in the address of traces', () => [`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=${http_()}`]],
    ['wrong_path', 'a path that is none', () => [`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=${http_()}/v1/trace`]],
    ['wrong_port', 'the port of the page', () => [`OTEL_EXPORTER_OTLP_ENDPOINT=${spoor.urls.page}`]],
    [
      'tls_to_plain_port',
      'https over HTTP',
      () => [`OTEL_EXPORTER_OTLP_ENDPOINT=${http_().replace('http:', 'https:')}`],
    ],
    [
      'tls_to_plain_port',
      'https over gRPC',
      () => ['OTEL_EXPORTER_OTLP_PROTOCOL=grpc', `OTEL_EXPORTER_OTLP_ENDPOINT=https://${grpc()}`],
    ],
    [
      'wrong_port',
      'gRPC to the page',
      () => ['OTEL_EXPORTER_OTLP_PROTOCOL=grpc', `OTEL_EXPORTER_OTLP_ENDPOINT=${spoor.urls.page}`],
    ],
  ])('%s: %s', async (code, _, env) => {
    // What cannot be reached is tried again until then.
    expect(await export_(env(), 1_500)).toBe(false)
    const isGrpc = env()[0]!.endsWith('=grpc')
    const all = (await senders()).senders.filter(({ attention }) => attention.some((one) => one.code === code))
    const line = isGrpc
      ? all
          .flatMap(({ attention }) => attention)
          .find((one) => one.code === code && !one.lines[0]!.text.includes('/v1/'))
      : await told(code)
    expect(line?.lines[0]).toMatchObject({ kind: 'env' })
    expect(await export_([...env(), line!.lines[0]!.text])).toBe(true)
  })

  it('other_protocol: it works, and is told', async () => {
    const env = ['OTEL_EXPORTER_OTLP_PROTOCOL=grpc', `OTEL_EXPORTER_OTLP_ENDPOINT=${http_()}`]
    expect(await export_(env)).toBe(true)
    expect(await told('other_protocol')).toMatchObject({ severity: 'info' })
  })
})

describe('raw requests', () => {
  it('metrics and logs: said as what they are', async () => {
    await send({ path: '/v1/metrics', headers: PROTOBUF })
    expect(await told('no_pipeline')).toMatchObject({
      what: 'Metrics are sent here, and Spoor keeps traces only.',
      lines: [{ kind: 'env', text: 'OTEL_METRICS_EXPORTER=none' }],
    })
  })

  it('a browser of another origin: its preflight, and the option that lets it in', async () => {
    const origin = 'https://shop.example'
    const headers = { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-tenant' }
    const refused = await send({ method: 'OPTIONS', headers })
    expect(refused.headers['access-control-allow-origin']).toBeUndefined()
    const row = await told('preflight_refused')
    expect(row.what).toContain(origin)
    expect(row.lines).toEqual([{ kind: 'shell', text: `spoor --cors ${origin}` }])
    const corsOrigins = originsOf('cors', row.lines[0]!.text.split(' ').at(-1))!
    const open = await startTestSpoor({ corsOrigins })
    onTestFinished(() => open.remove())
    const allowed = await send({ method: 'OPTIONS', headers }, open)
    expect(allowed.headers).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-headers': 'x-tenant',
    })
    const sent = await send({ headers: { ...PROTOBUF, origin } }, open)
    expect([sent.statusCode, sent.headers['access-control-allow-origin']]).toEqual([200, origin])
  })

  it.each(['http://localhost', 'http://localhost:3000', 'http://127.0.0.1:8080', 'http://[::1]', 'https://localhost'])(
    'pages of this machine may send: %s',
    async (origin) => {
      const headers = { origin, 'access-control-request-method': 'POST' }
      const answer = await send({ method: 'OPTIONS', headers })
      expect(answer.headers['access-control-allow-origin']).toBe(origin)
    },
  )

  it.each(['http://localhost.evil.example', 'http://evil.example:80', 'null', 'https://127.0.0.1.evil.example'])(
    'others may not: %s',
    async (origin) => {
      const answer = await send({ method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } })
      expect(answer.headers['access-control-allow-origin']).toBeUndefined()
    },
  )

  const good = (): Uint8Array => requestOf('shop', [{ traceId: traceIdOf(77), spanId: spanIdOf(77) }])
  it.each<[code: string, sent: () => Sent, line: string, mended: (line: string) => Sent]>([
    [
      'unsupported_media_type',
      () => ({ headers: { 'content-type': 'text/plain' }, body: good() }),
      'content-type: application/x-protobuf',
      (line) => ({ headers: headerOf(line), body: good() }),
    ],
    [
      'json_as_protobuf',
      () => ({ headers: PROTOBUF, body: tracesToJson(good()) }),
      'content-type: application/json',
      (line) => ({ headers: headerOf(line), body: tracesToJson(good()) }),
    ],
    [
      'protobuf_as_json',
      () => ({ headers: JSON_TYPE, body: good() }),
      'content-type: application/x-protobuf',
      (line) => ({ headers: headerOf(line), body: good() }),
    ],
    [
      'unsupported_encoding',
      () => ({ headers: { ...PROTOBUF, 'content-encoding': 'br' }, body: good() }),
      'OTEL_EXPORTER_OTLP_COMPRESSION=none',
      () => ({ headers: PROTOBUF, body: good() }),
    ],
    [
      'invalid_id',
      () => ({ headers: JSON_TYPE, body: withIds((id) => Buffer.from(id, 'hex').toString('base64')) }),
      "Buffer.from(id, 'base64').toString('hex')",
      (line) => {
        const mend = (id: string): string => runInNewContext(line, { id, Buffer }) as string
        const body = withIds((id) => mend(Buffer.from(id, 'hex').toString('base64')))
        return { headers: JSON_TYPE, body }
      },
    ],
    [
      'times_in_milliseconds',
      () => ({ headers: PROTOBUF, body: at(BigInt(Date.now())) }),
      'BigInt(Date.now()) * 1_000_000n',
      (line) => ({ headers: PROTOBUF, body: at(runInNewContext(line) as bigint) }),
    ],
    [
      'times_in_microseconds',
      () => ({ headers: PROTOBUF, body: at(BigInt(Date.now()) * 1000n) }),
      'BigInt(microseconds) * 1_000n',
      () => ({ headers: PROTOBUF, body: good() }),
    ],
    [
      'times_ahead',
      () => ({ headers: PROTOBUF, body: at(BigInt(Date.now() + 3_590_000) * 1_000_000n) }),
      'timedatectl set-ntp true',
      () => ({ headers: PROTOBUF, body: good() }),
    ],
    [
      'zipkin',
      () => ({ path: '/api/v2/spans', headers: JSON_TYPE, body: '[{"traceId":"1","id":"1","name":"a"}]' }),
      'OTEL_TRACES_EXPORTER=otlp',
      () => ({ headers: PROTOBUF, body: good() }),
    ],
    [
      'no_fields_of_otlp',
      () => ({
        headers: JSON_TYPE,
        body: `{"data":[{"traceID":"${traceIdOf(9)}","spans":[{"operationName":"GET /"}]}]}`,
      }),
      '{"resourceSpans":[{"resource":{"attributes":[]},"scopeSpans":[{"spans":[]}]}]}',
      () => ({ headers: JSON_TYPE, body: tracesToJson(good()) }),
    ],
    [
      'unknown_service',
      () => ({
        headers: PROTOBUF,
        body: requestOf('unknown_service:node', [{ traceId: traceIdOf(5), spanId: spanIdOf(5) }]),
      }),
      'OTEL_SERVICE_NAME=shop',
      () => ({ headers: PROTOBUF, body: good() }),
    ],
    [
      'attributes_cut',
      () => ({
        headers: PROTOBUF,
        body: requestOf('shop', [{ traceId: traceIdOf(6), spanId: spanIdOf(6), droppedAttributesCount: 3 }]),
      }),
      'OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=512',
      () => ({ headers: PROTOBUF, body: good() }),
    ],
  ])('%s', async (code, sent, line, mended) => {
    // One sender each, so that what the one sends says nothing of the other.
    const agent = { 'user-agent': `tried-${code}` }
    const { headers, ...rest } = sent()
    await send({ ...rest, headers: { ...headers, ...agent } })
    const row = await told(code)
    expect(row.where).toContain(`tried-${code}`)
    expect(row.lines.map(({ text }) => text)).toContain(line)
    const again = mended(line)
    const answer = await send({ ...again, headers: { ...again.headers, ...agent } })
    expect(answer.statusCode).toBe(200)
    const now = (await senders()).senders.find(({ userAgent }) => userAgent === agent['user-agent'])!
    expect(now.ok).toBeGreaterThan(0)
    expect(now.attention.filter((one) => one.code !== code)).toEqual([])
  })

  it('Zipkin’s JSON at the path of OTLP', async () => {
    await send({ headers: { ...JSON_TYPE, 'user-agent': 'brave' }, body: '[{"traceId":"1","id":"1","name":"a"}]' })
    const row = (await senders()).senders.find(({ userAgent }) => userAgent === 'brave')
    expect(row?.attention).toMatchObject([{ code: 'zipkin' }])
  })

  it('somebody who looks for the page is told where it is', async () => {
    await send({ method: 'GET', path: '/', headers: { 'user-agent': 'browser' } })
    const row = await told('not_for_looking')
    expect(row).toMatchObject({ severity: 'info', mend: expect.stringContaining(spoor.urls.page) as string })
  })

  it('what senders choose gets into no line that is pasted', async () => {
    const evil = 'https://a.example$(touch /tmp/x)'
    await send({
      method: 'OPTIONS',
      headers: { origin: evil, 'access-control-request-method': 'POST', 'user-agent': 'evil' },
    })
    await send({ path: '/v1/traces/v1/traces', headers: { host: 'localhost;reboot', 'user-agent': 'evil' } })
    const row = (await senders()).senders.find(({ userAgent }) => userAgent === 'evil')!
    expect(row.attention.length).toBeGreaterThan(0)
    expect(row.attention.flatMap(({ lines }) => lines.map(({ text }) => text)).join()).not.toMatch(/touch|reboot/)
  })
})

describe('connections that are none of HTTP', () => {
  const end = (socket: ReturnType<typeof connect>) =>
    new Promise<void>((resolve) => {
      socket
        .on('error', () => {})
        .on('close', () => resolve())
        .resume()
      socket.setTimeout(5_000, () => socket.destroy())
    })

  it.each<[name: string, code: string, url: () => string, bytes: string]>([
    ['garbage at OTLP', 'wrong_protocol', () => spoor.urls.otlpHttp!, '\x82\x21\x81hello\r\n\r\n'],
    ['garbage at the page', 'wrong_protocol', () => spoor.urls.page, '\x82\x21\x81hello\r\n\r\n'],
  ])('%s', async (_, code, url, bytes) => {
    const { hostname, port } = new URL(url())
    const socket = connect(Number(port), hostname)
    socket.write(bytes)
    await end(socket)
    await told(code)
    const ports = (await senders()).senders.filter((one) => one.outcomes[code]).map((one) => one.port)
    expect(ports).toContain(`${hostname}:${port}`)
  })

  it('TLS of a client that may speak gRPC or HTTP in it, as Java’s does, to the port of gRPC', async () => {
    const other = await startTestSpoor()
    onTestFinished(() => other.remove())
    const address = other.urls.otlpGrpc!
    const [host, port] = address.split(':')
    await end(connectTls({ host, port: Number(port), rejectUnauthorized: false, ALPNProtocols: ['h2', 'http/1.1'] }))
    const { lines } = await told('tls_to_plain_port', other)
    expect(lines[0]!.text).toBe(`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://${address}`)
  })

  it('TLS to the page', async () => {
    const { hostname, port } = new URL(spoor.urls.page)
    await end(connectTls({ host: hostname, port: Number(port), rejectUnauthorized: false }))
    const ofPage = async () =>
      (await senders()).senders.find((one) => one.receiver === 'page' && one.outcomes['tls_to_plain_port'])
    await expect
      .poll(async () => (await ofPage())?.attention.find((one) => one.code === 'tls_to_plain_port')?.lines)
      .toContainEqual({ kind: 'env', text: `OTEL_EXPORTER_OTLP_ENDPOINT=${spoor.urls.otlpHttp}` })
  })
})

it('a healthy sender is told nothing of', async () => {
  const quiet = await startTestSpoor()
  onTestFinished(() => quiet.remove())
  // Nothing to send.
  await send({ headers: JSON_TYPE, body: '{"resourceSpans":[]}' }, quiet)
  await send({ headers: PROTOBUF }, quiet)
  expect((await quiet.post(requestOf('shop', [{ traceId: traceIdOf(1), spanId: spanIdOf(1) }]))).status).toBe(200)
  const { attention } = await quiet.json<StatusResponse>('/api/spoor/v1/status')
  expect(attention).toEqual([])
})

function headerOf(line: string): http.OutgoingHttpHeaders {
  const [name, value] = line.split(': ') as [string, string]
  return { [name]: value }
}

/** A request of one span that starts then. */
function at(startTimeUnixNano: bigint): Uint8Array {
  return requestOf('shop', [{ traceId: traceIdOf(3), spanId: spanIdOf(3), startTimeUnixNano }])
}

/** OTLP/JSON of one span, its ids made anew. */
function withIds(change: (hex: string) => string): string {
  const [traceId, spanId] = ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7']
  const json = tracesToJson(requestOf('shop', [{ traceId, spanId }]))
  expect(tracesFromJson(json).length).toBeGreaterThan(0)
  return json.replace(traceId, change(traceId)).replace(spanId, change(spanId))
}
