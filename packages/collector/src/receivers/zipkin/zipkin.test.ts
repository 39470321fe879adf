import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import zlib from 'node:zlib'
import { decodeTraces, encodeTraces, requestToJson, type TracesData } from '@spoor/otlp'
import { describe, expect, it, onTestFinished } from 'vitest'
import { CollectorError, NO_OVERVIEW, type Host } from '../../component/index.ts'
import { inOrder } from '../../testkit/in-order.ts'
import { createSink, createTestContext } from '../../testkit/index.ts'
import { zipkinReceiver } from './index.ts'
import { toOtlp } from './to-otlp.ts'
import { v1SpansFromJson } from './v1-json.ts'
import { v1SpansFromThrift } from './v1-thrift.ts'
import { v1ToOtlp } from './v1-to-otlp.ts'
import { spansFromJson } from './v2-json.ts'
import { spansFromProto } from './v2-proto.ts'

const NOW_NS = 1_800_000_000_000_000_000n

interface GoldenCase {
  readonly name: string
  readonly form: 'v1-json' | 'v1-thrift' | 'v2-json' | 'v2-proto'
  readonly parses?: boolean
  readonly body: unknown
  readonly base64?: string
  /** What the translator of otelcol-contrib 0.140 makes of it, with the names of addresses and peers that 0.160 has (see `wire/v2.yaml`). */
  readonly output?: object
  readonly error?: string
  /** What is told here, or what comes out here where that is other. */
  readonly here?: string | object
}

const cases = JSON.parse(readFileSync(join(import.meta.dirname, 'golden.json'), 'utf8')) as GoldenCase[]
const thrift = Buffer.from(cases.find(({ form }) => form === 'v1-thrift')!.base64!, 'base64')
const proto = Buffer.from(cases.find(({ form }) => form === 'v2-proto')!.base64!, 'base64')

function read({ form, parses = false, body, base64 }: GoldenCase): TracesData {
  const bytes = base64 === undefined ? Buffer.from(JSON.stringify(body)) : Buffer.from(base64, 'base64')
  if (form === 'v2-json') return toOtlp(spansFromJson(bytes), parses)
  if (form === 'v2-proto') return toOtlp(spansFromProto(bytes), parses)
  return v1ToOtlp(form === 'v1-json' ? v1SpansFromJson(bytes, parses) : v1SpansFromThrift(bytes), NOW_NS)
}

describe('spans of Zipkin as the OpenTelemetry Collector reads them', () => {
  it.each(cases)('$name', (golden) => {
    let found: unknown
    try {
      found = inOrder(requestToJson('traces', encodeTraces(read(golden))))
    } catch (error) {
      if (!(error instanceof CollectorError)) throw error
      found = error.message
    }
    expect(found).toEqual(inOrder(golden.here ?? golden.output))
  })

  it('says when a span of version 1 begins of which nothing does', () => {
    const data = v1ToOtlp(v1SpansFromJson(Buffer.from('[{"traceId":"a","id":"b"}]'), false), NOW_NS)
    const [span] = data.resourceSpans[0]!.scopeSpans[0]!.spans
    expect(span).toMatchObject({ startTimeUnixNano: NOW_NS, endTimeUnixNano: NOW_NS })
    expect(span!.attributes.map(({ key }) => key)).toEqual(['otel.zipkin.absentField.startTime'])
  })

  it.each([
    ['Thrift', thrift, v1SpansFromThrift],
    ['protobuf', proto, spansFromProto],
  ] as const)('reads %s that is cut or garbled, or refuses it, and does nothing else', (_, whole, readSpans) => {
    for (let at = 0; at < whole.length; at++) {
      for (const bytes of [
        whole.subarray(0, at),
        Buffer.from(whole).fill(0xff, at, at + 1),
        Buffer.from(whole).fill(0, at, at + 1),
      ]) {
        try {
          void [...readSpans(bytes)]
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid_data' })
        }
      }
    }
  })
})

const HOST: Host = { extension: () => undefined, fail: () => {}, overview: () => NO_OVERVIEW }

async function start(options: object = {}) {
  const context = createTestContext('zipkin')
  const sink = createSink()
  const parsed = zipkinReceiver.config.safeParse({ endpoint: '127.0.0.1:0', ...options })
  if (!parsed.success) throw new Error(JSON.stringify(parsed.error.issues))
  const receiver = zipkinReceiver.create(context, parsed.data, new Map([['traces', sink]]))
  await receiver.start(HOST)
  onTestFinished(async () => receiver.shutdown(AbortSignal.timeout(100)))
  const [listening] = receiver.listening!()
  const post = (path: string, body: Uint8Array | string, headers: Record<string, string> = {}) =>
    fetch(`http://${listening!.address}${path}`, { method: 'POST', body: Buffer.from(body), headers })
  return { context, sink, post }
}

const ONE =
  '[{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","id":"1","name":"get","localEndpoint":{"serviceName":"shop"}}]'

describe('the zipkin receiver', () => {
  it('takes each form at its path, and answers as Zipkin does', async () => {
    const { context, sink, post } = await start()
    const answers = [
      await post('/api/v2/spans', ONE, { 'content-type': 'application/json' }),
      await post('/api/v2/spans/', zlib.gzipSync(ONE), { 'content-encoding': 'gzip' }),
      await post('/api/v2/spans', proto, { 'content-type': 'application/x-protobuf' }),
      await post('/api/v1/spans', ONE.replace('"1"', '"0000000000000001"')),
      await post('/api/v1/spans', thrift, { 'content-type': 'application/x-thrift' }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202, 202])
    expect(await answers[0]!.text()).toBe('')
    expect(sink.batches.map(({ items }) => items)).toEqual([1, 1, 2, 1, 3])
    expect(sink.batches.map(({ chunks }) => decodeTraces(chunks[0]!.bytes).resourceSpans.length)).toEqual([
      1, 1, 1, 1, 3,
    ])
    expect(context.value('otelcol_receiver_accepted_spans', { receiver: 'zipkin', transport: 'http' })).toBe(8)
  })

  it('converts a large request in parts, and hands it on as one', async () => {
    const { sink, post } = await start()
    const spans = Array.from({ length: 2000 }, (_, i) => ({ traceId: (i + 1).toString(16), id: (i + 1).toString(16) }))
    expect((await post('/api/v2/spans', JSON.stringify(spans))).status).toBe(202)
    expect(sink.batches.map(({ items, chunks }) => [items, chunks.length])).toEqual([[2000, 1]])
    const ids = decodeTraces(sink.bytes()).resourceSpans.flatMap(({ scopeSpans }) =>
      scopeSpans.flatMap((scope) => scope.spans.map(({ spanId }) => parseInt(spanId, 16))),
    )
    expect(ids).toEqual(spans.map((_, i) => i + 1))
  })

  it('hands on no request without spans', async () => {
    const { sink, post } = await start()
    expect((await post('/api/v2/spans', '[]')).status).toBe(202)
    expect(sink.batches).toEqual([])
  })

  it('refuses what it cannot read, with what is wrong', async () => {
    const { context, sink, post } = await start()
    const answer = await post('/api/v2/spans', ONE.replace('"get"', '7'))
    expect([answer.status, await answer.text()]).toEqual([400, '400 spans[0].name: expected a text, found 7\n'])
    expect((await post('/api/v2/spans', 'no JSON')).status).toBe(400)
    expect((await post('/api/v2/spans', '{"a":1}', { 'content-type': 'application/x-protobuf' })).status).toBe(400)
    expect((await post('/api/v3/spans', ONE)).status).toBe(404)
    expect(sink.batches).toEqual([])
    expect(context.value('otelcol_receiver_requests', { outcome: 'invalid_data' })).toBe(3)
  })

  it('says that a client may come again where the pipelines say so', async () => {
    const { sink, post } = await start()
    sink.intercept = () => {
      throw new CollectorError('overloaded', 'full', { retryAfterMs: 3000 })
    }
    const answer = await post('/api/v2/spans', ONE)
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '3'])
  })

  it('refuses what is too large', async () => {
    const { post } = await start({ max_request_body_size: 100 })
    expect((await post('/api/v2/spans', ONE)).status).toBe(413)
  })
})
