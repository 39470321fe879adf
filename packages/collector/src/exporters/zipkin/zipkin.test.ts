import { readFileSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { decodeTraces, encodeTraces, tracesFromJson } from '@spoor/otlp'
import { describe, expect, it, onTestFinished } from 'vitest'
import { EMPTY_CONTEXT } from '../../component/index.ts'
import { toOtlp } from '../../receivers/zipkin/to-otlp.ts'
import { spansFromJson } from '../../receivers/zipkin/v2-json.ts'
import { spansFromProto } from '../../receivers/zipkin/v2-proto.ts'
import { tracesRequest } from '../../testkit/index.ts'
import { batchOf, DIRECT, startExporter } from '../fixture.ts'
import { fromOtlp } from './from-otlp.ts'
import { zipkinExporter } from './index.ts'
import { spansToJson } from './to-json.ts'
import { spansToProto } from './to-proto.ts'

interface GoldenCase {
  readonly name: string
  readonly form: 'to-json' | 'to-proto'
  readonly body: object
  /** What the translator of otelcol-contrib 0.140 makes of it. */
  readonly output?: readonly object[] | null
  readonly base64?: string
  readonly error?: string
  /** What comes out here, where that is other. */
  readonly here?: readonly object[]
}

const cases = JSON.parse(readFileSync(join(import.meta.dirname, 'golden.json'), 'utf8')) as GoldenCase[]
const SERVICE = 'OTLPResourceNoServiceName'

describe('spans as the OpenTelemetry Collector writes them for Zipkin', () => {
  it.each(cases)('$name', ({ form, body, output, base64, here }) => {
    const spans = fromOtlp(decodeTraces(tracesFromJson(JSON.stringify(body))), SERVICE)
    if (form === 'to-json') expect(JSON.parse(Buffer.from(spansToJson(spans)).toString())).toEqual(here ?? output ?? [])
    // Tags are in no order there.
    else expect([...spansFromProto(spansToProto(spans))]).toEqual([...spansFromProto(Buffer.from(base64!, 'base64'))])
  })
})

async function startServer(status = 202) {
  const received: { url: string; headers: http.IncomingHttpHeaders; body: Buffer }[] = []
  const server = http.createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (data: Buffer) => parts.push(data))
    request.on('end', () => {
      received.push({ url: request.url!, headers: request.headers, body: Buffer.concat(parts) })
      response.writeHead(status).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v2/spans`, received }
}

describe('the zipkin exporter', () => {
  const request = tracesRequest({ spans: 30, services: 2 })

  it.each([
    ['json', 'application/json', spansFromJson],
    ['proto', 'application/x-protobuf', spansFromProto],
  ] as const)('sends %s, from which the receiver makes what it was', async (format, contentType, read) => {
    const { endpoint, received } = await startServer()
    const { exporter, context } = await startExporter(zipkinExporter, {
      endpoint,
      format,
      headers: { a: 'b' },
      ...DIRECT,
    })
    await exporter.consume(batchOf(request, 30), EMPTY_CONTEXT)
    expect(received.map(({ url, headers }) => [url, headers['content-type'], headers['a']])).toEqual([
      ['/api/v2/spans', contentType, 'b'],
    ])
    expect(context.value('otelcol_exporter_sent_spans')).toBe(30)
    const spansIn = (bytes: Uint8Array) =>
      decodeTraces(bytes).resourceSpans.flatMap(({ scopeSpans }) =>
        scopeSpans.flatMap(({ scope, spans }) =>
          spans.map(({ traceId, spanId, parentSpanId, kind, startTimeUnixNano }) =>
            [scope.name, traceId, spanId, parentSpanId, kind, startTimeUnixNano / 1_000_000n].join(' '),
          ),
        ),
      )
    expect(spansIn(encodeTraces(toOtlp(read(received[0]!.body), true))).toSorted()).toEqual(spansIn(request).toSorted())
  })

  it.each([
    [503, true],
    [400, false],
  ])('goes by a status of %i', async (status, retryable) => {
    const { endpoint } = await startServer(status)
    const { exporter } = await startExporter(zipkinExporter, { endpoint, ...DIRECT })
    await expect(exporter.consume(batchOf(request, 30), EMPTY_CONTEXT)).rejects.toMatchObject({ retryable })
  })

  it('says what a service is called that has no name', () => {
    const bytes = encodeTraces({
      resourceSpans: decodeTraces(request).resourceSpans.map((each) => ({
        ...each,
        resource: { attributes: [], droppedAttributesCount: 0 },
      })),
    })
    const [span] = fromOtlp(decodeTraces(bytes), '<missing service name>')
    expect(span!.local).toEqual({ serviceName: '<missing service name>', ipv4: '', ipv6: '', port: 0 })
  })
})
