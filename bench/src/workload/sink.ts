/**
 * The sink, its own process: takes OTLP over gRPC and HTTP, plain and gzip, and counts the spans in it with a walk of
 * its own over the framing. Both candidates send to it.
 */
import http from 'node:http'
import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { setTimeout as sleep } from 'node:timers/promises'
import { answer, say } from '../process/child.ts'

export interface SinkReady {
  /** `host:port` */
  readonly grpc: string
  readonly http: string
}

const WINDOW_BYTES = 16 * 1024 * 1024

let spans = 0
let bytes = 0

function take(message: Buffer): void {
  bytes += message.length
  spans += fields(message, 1, (resource) => fields(resource, 2, (scope) => fields(scope, 2, () => 1)))
}

/** Sums `count` over the length-delimited fields with that number in a message. */
function fields(message: Buffer, number: number, count: (content: Buffer) => number): number {
  let at = 0
  let sum = 0
  const varint = (): number => {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = message[at++]
      if (byte === undefined) throw new Error('the sink got a message that ends in the middle')
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }
  while (at < message.length) {
    const tag = varint()
    const wire = tag & 7
    if (wire === 2) {
      const length = varint()
      if (at + length > message.length) throw new Error('the sink got a field that is longer than its message')
      if (tag >>> 3 === number) sum += count(message.subarray(at, at + length))
      at += length
    } else if (wire === 0) varint()
    else if (wire === 1) at += 8
    else if (wire === 5) at += 4
    else throw new Error(`the sink got wire type ${wire}`)
  }
  return sum
}

const grpc = http2.createServer({ settings: { initialWindowSize: WINDOW_BYTES, maxFrameSize: 1024 * 1024 } })
grpc.on('session', (session) => session.setLocalWindowSize(WINDOW_BYTES))
grpc.on('stream', (stream) => {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  stream.on('error', () => undefined)
  stream.on('end', () => {
    const body = Buffer.concat(chunks)
    const message = body.subarray(5)
    take(body[0] === 1 ? gunzipSync(message) : message)
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    const headers = { ':status': 200, 'content-type': 'application/grpc', 'grpc-accept-encoding': 'identity,gzip' }
    stream.respond(headers, { waitForTrailers: true })
    stream.end(Buffer.alloc(5))
  })
})

const plain = http.createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const body = Buffer.concat(chunks)
    take(request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body)
    response.writeHead(200, { 'content-type': 'application/x-protobuf', 'content-length': 0 }).end()
  })
})

const listen = (server: http.Server | http2.Http2Server): Promise<string> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => resolve(`127.0.0.1:${(server.address() as AddressInfo).port}`))
  })

answer({
  reset() {
    spans = 0
    bytes = 0
  },
  /** Waits until that many spans have come, ten seconds at most, and says how many have. */
  async received(expected: number) {
    const end = performance.now() + 10_000
    const waiting = () => spans < expected && performance.now() < end
    while (waiting()) await sleep(5)
    return { spans, bytes }
  },
})
say({ grpc: await listen(grpc), http: await listen(plain) } satisfies SinkReady)
