/** Bodies that cannot be read, sent to a real port: what the ledger says of each, and the line that mends it. */
import { connect } from 'node:net'
import zlib from 'node:zlib'
import { expect, test } from 'vitest'
import { startReceiver, type Running } from './fixture.ts'

const JSON_TYPE = 'application/json'
const PROTOBUF = 'application/x-protobuf'

function request(span: Record<string, unknown> = {}): string {
  const one = {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    name: 'GET /',
    kind: 2,
    startTimeUnixNano: '1796130258877000000',
    endTimeUnixNano: '1796130258878000000',
    ...span,
  }
  return JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [one] }] }] })
}

const text = request()
const gzip = zlib.gzipSync(text)
const zstd = zlib.zstdCompressSync(text)
const message = Buffer.from([0x0a, 0x02, 0x12, 0x00])
const damaged = Buffer.from(gzip).fill(0xff, 12, 24)

type Body = string | Uint8Array
type Case = readonly [name: string, type: string, encoding: string, body: Body, code: string, line: string | RegExp]

const cases: readonly Case[] = [
  ['JSON lines', JSON_TYPE, '', `${text}\n${text}\n`, 'several_json', /^for \(const line of text/],
  ['JSON lines by their type', 'application/x-ndjson', '', text, 'unsupported_media_type', /http\/protobuf$/],
  ['gzip that ends early', JSON_TYPE, 'gzip', gzip.subarray(0, -12), 'cut_body', /gzipSync/],
  ['zstd that ends early', JSON_TYPE, 'zstd', zstd.subarray(0, -6), 'cut_body', /gzipSync/],
  ['gzip that is damaged', JSON_TYPE, 'gzip', damaged, 'broken_compression', /no toString/],
  ['gzip that is none', JSON_TYPE, 'gzip', text, 'not_compressed', /gzipSync/],
  ['zstd that is none', PROTOBUF, 'zstd', message, 'not_compressed', /gzipSync/],
  ['gzip that is zstd', JSON_TYPE, 'gzip', zstd, 'other_encoding', 'content-encoding: zstd'],
  ['gzip that is zlib', JSON_TYPE, 'gzip', zlib.deflateSync(text), 'other_encoding', 'content-encoding: deflate'],
  ['zstd that is gzip', JSON_TYPE, 'zstd', gzip, 'other_encoding', 'content-encoding: gzip'],
  ['gzip of JSON, unsaid', JSON_TYPE, '', gzip, 'encoding_unsaid', 'content-encoding: gzip'],
  ['gzip of protobuf, unsaid', PROTOBUF, '', zlib.gzipSync(message), 'encoding_unsaid', 'content-encoding: gzip'],
  ['zstd, unsaid', PROTOBUF, '', zstd, 'encoding_unsaid', 'content-encoding: zstd'],
  ['gzip of gzip', JSON_TYPE, 'gzip', zlib.gzipSync(gzip), 'compressed_twice', /COMPRESSION=none$/],
  ['deflate without a header', JSON_TYPE, 'deflate', zlib.deflateRawSync(text), 'raw_deflate', /deflateSync/],
  ['brotli', JSON_TYPE, 'br', zlib.brotliCompressSync(text), 'unsupported_encoding', /COMPRESSION=gzip$/],
  ['JSON as protobuf', PROTOBUF, '', text, 'json_as_protobuf', 'content-type: application/json'],
  ['protobuf as JSON', JSON_TYPE, '', Buffer.from('0a2912', 'hex'), 'protobuf_as_json', `content-type: ${PROTOBUF}`],
  ['UTF-16', JSON_TYPE, '', Buffer.from(`\uFEFF${text}`, 'utf16le'), 'not_utf8', /utf8/],
  ['UTF-16 without a mark', JSON_TYPE, '', Buffer.from(text, 'utf16le'), 'not_utf8', /utf8/],
  ['nothing', JSON_TYPE, '', '', 'empty_body', /^\{"resourceSpans"/],
  ['a list', JSON_TYPE, '', '[{"traceId":"1"}]', 'list_of_spans', /^\{"resourceSpans"/],
  ['a list of Zipkin’s', JSON_TYPE, '', '[{"traceId":"1","timestamp":1}]', 'zipkin', 'OTEL_TRACES_EXPORTER=otlp'],
  ['an object as text', JSON_TYPE, '', '[object Object]', 'object_as_text', /JSON\.stringify/],
  ['JSON in JSON', JSON_TYPE, '', JSON.stringify(text), 'json_twice', /JSON\.stringify/],
  ['base64', PROTOBUF, '', message.toString('base64'), 'base64_body', /base64/],
  ['base64 of JSON', JSON_TYPE, '', Buffer.from(text).toString('base64'), 'base64_body', /base64/],
  ['a frame of gRPC', PROTOBUF, '', Buffer.concat([Buffer.from([0, 0, 0, 0, 4]), message]), 'grpc_frame', /=grpc$/],
  ['half a message', PROTOBUF, '', Buffer.from([0x0a, 0x50, 0x0a, 0x10]), 'cut_message', /byteLength/],
  ['half of JSON', JSON_TYPE, '', text.slice(0, -20), 'cut_message', /byteLength/],
  ['text', PROTOBUF, '', 'hello world, here are my spans', 'text_body', /^\{"resourceSpans"/],
  ['single quotes', JSON_TYPE, '', text.replaceAll('"', "'"), 'not_json', /JSON\.stringify/],
  ['HTML', JSON_TYPE, '', '<html>502</html>', 'html_body', /http\/protobuf$/],
  ['attributes as an object', JSON_TYPE, '', request({ attributes: { a: 1 } }), 'wrong_field', /^\[\{"key"/],
  ['a bare value', JSON_TYPE, '', request({ attributes: [{ key: 'a', value: 'x' }] }), 'wrong_field', /stringValue/],
  ['a time as text', JSON_TYPE, '', request({ endTimeUnixNano: '2026-12-01' }), 'wrong_field', /BigInt\(Date/],
  ['a kind by a name of its own', JSON_TYPE, '', request({ kind: 'SERVER' }), 'wrong_field', '"kind": 2'],
  ['a status as text', JSON_TYPE, '', request({ status: 'OK' }), 'wrong_field', /"code": 2/],
  ['a name that is a number', JSON_TYPE, '', request({ name: 7 }), 'invalid_data', /http\/protobuf$/],
  ['a UUID for an id', JSON_TYPE, '', request({ traceId: crypto.randomUUID() }), 'invalid_id', /replaceAll/],
]

test.each(cases)('%s', async (_, type, encoding, body, code, line) => {
  const running = await startReceiver()
  await post(running, type, encoding, body)
  const told = running.context.ledger.report().senders.flatMap(({ attention }) => attention)
  expect(told).toHaveLength(1)
  expect(told[0]).toMatchObject({ code, severity: 'error', count: 1 })
  if (typeof line === 'string') expect(told[0]!.lines[0]?.text).toBe(line)
  else expect(told[0]!.lines[0]?.text).toMatch(line)
  expect(told[0]!.what).toMatch(/[.…]$/)
  expect(told[0]!.mend).toMatch(/\.$/)
})

test('what is whole is told of by nothing', async () => {
  const running = await startReceiver()
  await post(running, JSON_TYPE, '', text)
  await post(running, JSON_TYPE, '', `\n ${text}\n`)
  await post(running, JSON_TYPE, 'gzip', gzip)
  await post(running, JSON_TYPE, 'zstd', zstd)
  await post(running, PROTOBUF, 'deflate', zlib.deflateSync(message))
  const [sender] = running.context.ledger.report().senders
  expect(sender).toMatchObject({ ok: 5, outcomes: {} })
  expect(sender!.attention.map(({ code }) => code)).not.toContain('invalid_data')
})

/** Resolves once the answer is there. */
function post({ http }: Running, type: string, encoding: string, body: Body): Promise<void> {
  const bytes = Buffer.from(body)
  const [host, port] = http.split(':')
  const head = [
    'POST /v1/traces HTTP/1.1',
    `host: ${http}`,
    'user-agent: shop/1.0',
    'connection: close',
    `content-type: ${type}`,
    ...(encoding === '' ? [] : [`content-encoding: ${encoding}`]),
    `content-length: ${bytes.length}`,
  ]
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), host)
    socket
      .on('error', reject)
      .on('end', () => resolve())
      .resume()
    socket.write(`${head.join('\r\n')}\r\n\r\n`)
    socket.write(bytes)
  })
}
