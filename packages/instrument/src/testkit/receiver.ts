import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { Metadata, Server, ServerCredentials, type UntypedServiceImplementation } from '@grpc/grpc-js'
import { decodeTraces, type Resource, type Span, tracesFromJson } from '@spoor/otlp'

/** A span as it arrived, with what it arrived in. */
export interface ReceivedSpan extends Span {
  readonly resource: Record<string, unknown>
  readonly scopeName: string
}

/** An OTLP receiver for tests: real sockets, real decoding, and misbehaviour on demand. */
export interface Receiver {
  readonly url: string
  readonly spans: ReceivedSpan[]
  /** One entry a request: content type, content encoding, headers, how many spans. */
  readonly requests: { contentType: string; encoding: string; headers: Record<string, unknown>; spans: number }[]
  /** HTTP status for what comes next; `hang` never answers. */
  behaviour: number | 'hang'
  /** The body of refusals. */
  refusal: string
  /** Whether it answers as a Spoor does that wants reports. */
  wantsReports: boolean
  /** The body of acceptances: JSON, or HTML of something that is no receiver. */
  answer: string
  named(name: string): ReceivedSpan
  close(): Promise<void>
}

export async function startHttpReceiver(port = 0): Promise<Receiver> {
  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => void server.listen(port, '127.0.0.1', resolve))
  const receiver = createReceiver(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, async () => {
    server.closeAllConnections()
    await new Promise((resolve) => void server.close(resolve))
  })

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    if (receiver.behaviour === 'hang') return
    if (receiver.behaviour !== 200 || request.url !== '/v1/traces') {
      response.writeHead(receiver.behaviour === 200 ? 404 : receiver.behaviour).end(receiver.refusal)
      return
    }
    const contentType = request.headers['content-type'] ?? ''
    const encoding = request.headers['content-encoding'] ?? 'none'
    const body = encoding === 'gzip' ? gunzipSync(Buffer.concat(parts)) : Buffer.concat(parts)
    const spans = read(contentType === 'application/json' ? tracesFromJson(body) : body)
    receiver.requests.push({ contentType, encoding, headers: request.headers, spans: spans.length })
    receiver.spans.push(...spans)
    if (receiver.wantsReports) response.setHeader('spoor-takes-reports', '1')
    if (receiver.answer) {
      response.setHeader('content-type', receiver.answer.startsWith('<') ? 'text/html' : 'application/json')
    }
    response.end(receiver.answer)
  }
  return receiver
}

export async function startGrpcReceiver(): Promise<Receiver> {
  const server = new Server()
  const identity = (bytes: Buffer): Buffer => bytes
  const definition = {
    Export: {
      path: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
      requestStream: false,
      responseStream: false,
      requestSerialize: identity,
      requestDeserialize: identity,
      responseSerialize: identity,
      responseDeserialize: identity,
    },
  }
  const implementation: UntypedServiceImplementation = {
    Export: (
      call: {
        request: Buffer
        metadata: { getMap(): Record<string, unknown> }
        sendMetadata(metadata: Metadata): void
      },
      done: (error: null, response: Buffer) => void,
    ) => {
      const headers = call.metadata.getMap()
      // grpc-js keeps grpc-encoding to itself; the client's accept header is what is left to see.
      const spans = read(call.request)
      receiver.requests.push({ contentType: 'application/grpc', encoding: '', headers, spans: spans.length })
      receiver.spans.push(...spans)
      if (receiver.wantsReports) {
        const metadata = new Metadata()
        metadata.set('spoor-takes-reports', '1')
        call.sendMetadata(metadata)
      }
      done(null, Buffer.alloc(0))
    },
  }
  server.addService(definition, implementation)
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  )
  const receiver = createReceiver(`http://127.0.0.1:${port}`, () => Promise.resolve(server.forceShutdown()))
  return receiver
}

function createReceiver(url: string, close: () => Promise<void>): Receiver {
  return {
    url,
    spans: [],
    requests: [],
    behaviour: 200,
    refusal: '',
    answer: '',
    wantsReports: false,
    named(name) {
      const found = this.spans.find((span) => span.name === name)
      if (!found) throw new Error(`no span "${name}" among ${JSON.stringify(this.spans.map((span) => span.name))}`)
      return found
    },
    close,
  }
}

function read(bytes: Uint8Array): ReceivedSpan[] {
  return decodeTraces(bytes).resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ scope, spans }) =>
      spans.map((span) => ({ ...span, resource: attributesOf(resource), scopeName: scope.name })),
    ),
  )
}

/** Attributes as a plain object. */
export function attributesOf({ attributes }: Pick<Resource, 'attributes'>): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, 'value' in value ? value.value : undefined]))
}
