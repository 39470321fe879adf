import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo, createServer as createSocketServer, type Server } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { describeFailure, maskSecret } from './failure.ts'
import { createSender, type SendFailure } from './otlp/sender.ts'
import { type ExporterSettings, resolveSettings } from './settings.ts'
import { TEST_CERTIFICATE, TEST_KEY } from './testkit/certificate.ts'

const cleanUps: (() => void)[] = []

afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp()
})

async function portOf(server: Server): Promise<number> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  cleanUps.push(() => server.close())
  return (server.address() as AddressInfo).port
}

function exporterOf(env: Record<string, string>): ExporterSettings {
  return resolveSettings({}, env).exporter
}

/** What is said of a request that is really sent. */
async function tried(env: Record<string, string>): Promise<string> {
  const exporter = exporterOf(env)
  const { send, close } = createSender(exporter)
  const { failure } = await send(Buffer.from('x'))
  close()
  return failure ? describeFailure(failure, exporter) : 'taken'
}

test.each([
  [
    'http://127.0.0.1:9',
    /^ECONNREFUSED, nothing listens on 127\.0\.0\.1:9; Spoor's ports are 4318 for HTTP and 4317 for/,
  ],
  ['http://localhost:9', /^ECONNREFUSED, nothing listens on localhost:9;/],
])('%s, where nothing listens', async (OTEL_EXPORTER_OTLP_ENDPOINT, words) => {
  expect(await tried({ OTEL_EXPORTER_OTLP_ENDPOINT })).toMatch(words)
  expect(await tried({ OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' })).toMatch(words)
})

test.each(['http/protobuf', 'grpc'])('%s: TLS to a port without it', async (OTEL_EXPORTER_OTLP_PROTOCOL) => {
  const port = await portOf(createServer((_, response) => response.end()))
  const OTEL_EXPORTER_OTLP_ENDPOINT = `https://127.0.0.1:${port}`
  expect(await tried({ OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL })).toMatch(
    new RegExp(
      `^(ERR_SSL_\\w+|EPROTO), 127\\.0\\.0\\.1:${port} does not speak TLS; write http://127\\.0\\.0\\.1:${port}$`,
    ),
  )
})

test('a certificate of an authority that nobody knows, and the way out, which works', async () => {
  const server = createSecureServer({ cert: TEST_CERTIFICATE, key: TEST_KEY }, (_, response) => response.end())
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: `https://localhost:${await portOf(server)}` }
  expect(await tried(env)).toMatch(
    /^DEPTH_ZERO_SELF_SIGNED_CERT, the certificate of localhost:\d+ is not from an authority .* set OTEL_EXPORTER_OTLP_CERTIFICATE=/,
  )
  const exporter = { ...exporterOf(env), tls: { ca: Buffer.from(TEST_CERTIFICATE) } }
  const { send, close } = createSender(exporter)
  expect(await send(Buffer.from('x'))).toEqual({})
  close()
})

test('an answer that leads elsewhere, and the line, which works', async () => {
  const there = await portOf(createServer((request, response) => void request.resume().on('end', () => response.end())))
  const port = await portOf(
    createServer((request, response) => {
      request.resume()
      response.writeHead(308, { location: `http://127.0.0.1:${there}/v1/traces` }).end()
    }),
  )
  const words = await tried({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` })
  const [, name = '', value = ''] = /set (\w+)=(\S+)$/.exec(words) ?? []
  expect(await tried({ [name]: value })).toBe('taken')
})

test('TLS to a port that hangs up on it', async () => {
  const server = createSocketServer((socket) => socket.once('data', () => socket.destroy()))
  const port = await portOf(server)
  expect(await tried({ OTEL_EXPORTER_OTLP_ENDPOINT: `https://127.0.0.1:${port}` })).toBe(
    `ECONNRESET, 127.0.0.1:${port} closed the connection; if it does not speak TLS, write http://127.0.0.1:${port}`,
  )
})

const collector = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }
const grpc = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4317', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }
const secret = { OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20abcdefghijklmnop' }

test.each<[Record<string, string>, Partial<SendFailure>, string]>([
  [
    collector,
    { code: 'ENOTFOUND' },
    'ENOTFOUND, no host is named collector; names of containers are known in their network alone, this machine is localhost: set OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318',
  ],
  [
    grpc,
    { code: 'ENOTFOUND' },
    'ENOTFOUND, no host is named collector; names of containers are known in their network alone, this machine is localhost: set OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4317',
  ],
  [
    collector,
    { code: 'ECONNRESET' },
    'ECONNRESET, collector:4318 closed the connection; is it a port for http/protobuf? if it speaks TLS, write https://collector:4318',
  ],
  [collector, { code: 'EAI_AGAIN' }, 'EAI_AGAIN, no name server tells where collector is; is there a network?'],
  [
    collector,
    { code: 'ECONNREFUSED' },
    'ECONNREFUSED, nothing listens on collector:4318; is the receiver running, and is it the right port?',
  ],
  [collector, { code: 'ETIMEDOUT' }, 'ETIMEDOUT, collector:4318 cannot be reached; a firewall, or another address?'],
  [
    collector,
    { code: 'HPE_INVALID_CONSTANT' },
    'HPE_INVALID_CONSTANT, collector:4318 does not answer with HTTP; is it a gRPC port? then use protocol grpc',
  ],
  [
    grpc,
    { code: 'ERR_HTTP2_ERROR' },
    'ERR_HTTP2_ERROR, collector:4317 does not speak gRPC; is it an OTLP/HTTP port? then use protocol http/protobuf',
  ],
  [
    collector,
    { code: 'NOT_OTLP', contentType: 'text/html', words: '<title>Hello</title>' },
    'not OTLP: collector:4318 answered with text/html ("Hello"); something else listens there',
  ],
  [
    collector,
    { code: 401 },
    'HTTP 401 Unauthorized; no header was sent: set OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20…"',
  ],
  [
    { ...collector, ...secret },
    { code: 403, words: 'not you' },
    'HTTP 403 Forbidden: not you; sent was authorization: Bearer abc…, 16 characters (OTEL_EXPORTER_OTLP_HEADERS)',
  ],
  [
    { ...grpc, ...secret },
    { code: 16, words: 'no token' },
    'gRPC status 16 UNAUTHENTICATED: no token; sent was authorization: Bearer abc…, 16 characters (OTEL_EXPORTER_OTLP_HEADERS)',
  ],
  [
    { ...collector, OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' },
    { code: 415 },
    'HTTP 415 Unsupported Media Type; the receiver may not take gzip: set OTEL_EXPORTER_OTLP_COMPRESSION=none',
  ],
  [
    collector,
    { code: 404, words: 'page not found' },
    "HTTP 404 Not Found: page not found; is it the port of OTLP? Spoor's is 4318: set OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318",
  ],
  [
    { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://collector:4318/otlp' },
    { code: 404, words: 'page not found' },
    'HTTP 404 Not Found: page not found; check the path, receivers expect /v1/traces',
  ],
  [
    collector,
    { code: 413 },
    'HTTP 413 Payload Too Large; lower batch.maxExportBatchSize (OTEL_BSP_MAX_EXPORT_BATCH_SIZE)',
  ],
  [
    collector,
    { code: 308, location: 'https://collector/v1/traces' },
    'HTTP 308 Permanent Redirect; it leads elsewhere, and exporters do not follow: set OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=https://collector/v1/traces',
  ],
  [
    collector,
    { code: 302, location: '/login' },
    'HTTP 302 Found; it leads elsewhere, and exporters do not follow: set OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://collector:4318/login',
  ],
  [collector, { code: 301 }, 'HTTP 301 Moved Permanently; it leads elsewhere, and exporters do not follow'],
  [
    collector,
    { code: 502, words: '<title>502 Bad Gateway</title>' },
    'HTTP 502 Bad Gateway: 502 Bad Gateway; a proxy is in between, and does not reach the receiver behind it',
  ],
  [grpc, { code: 14, words: 'shutting down' }, 'gRPC status 14 UNAVAILABLE: shutting down'],
])('%o: %o', (env, failure, words) => {
  expect(describeFailure({ words: '', retryable: false, ...failure } as SendFailure, exporterOf(env))).toBe(words)
})

test.each([
  ['Bearer abcdefghijklmnop', 'Bearer abc…, 16 characters'],
  ['abcdefghijklmnop', 'abc…, 16 characters'],
  ['Basic YTpi', 'Basic ***'],
  ['blue', '***'],
])('%s is shown as %s', (value, shown) => {
  expect(maskSecret(value)).toBe(shown)
})
