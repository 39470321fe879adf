/**
 * The other half of last-send.ts: a worker thread that posts the last bodies of a process while its main thread waits
 * in `Atomics.wait`. CommonJS on purpose: without the ES module loader the thread is ready in half the time. It shares
 * no code with the exporter, which lives on an event loop that no longer turns.
 */
import type * as Http from 'node:http'
import type * as Http2 from 'node:http2'
import type * as Https from 'node:https'
import type * as WorkerThreads from 'node:worker_threads'
import type * as Zlib from 'node:zlib'

const { workerData } = require('node:worker_threads') as typeof WorkerThreads

/** What the main thread hands over. */
interface LastSendJob {
  /** Int32: done (0, 1), bodies accepted, length of the reason; then the reason as UTF-8. */
  readonly shared: SharedArrayBuffer
  readonly url: string
  readonly protocol: 'http/protobuf' | 'http/json' | 'grpc'
  readonly headers: Readonly<Record<string, string>>
  readonly compression: 'gzip' | 'none'
  readonly bodies: readonly Uint8Array[]
  readonly tls: { readonly ca?: Uint8Array; readonly cert?: Uint8Array; readonly key?: Uint8Array }
}

const job = workerData as LastSendJob
const header = new Int32Array(job.shared, 0, 3)
const reasonBytes = new Uint8Array(job.shared, 12)

type Send = (body: Uint8Array) => Promise<void>

void run()

async function run(): Promise<void> {
  try {
    const send = job.protocol === 'grpc' ? grpcSender() : httpSender()
    for (const body of job.bodies) {
      await send(body)
      Atomics.add(header, 1, 1)
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const reason = Buffer.from(message || code || String(error)).subarray(0, reasonBytes.length)
    reasonBytes.set(reason)
    Atomics.store(header, 2, reason.length)
  }
  Atomics.store(header, 0, 1)
  Atomics.notify(header, 0)
}

function httpSender(): Send {
  const http = job.url.startsWith('https:')
    ? (require('node:https') as typeof Https)
    : (require('node:http') as typeof Http)
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1, ...toBuffers(job.tls) })
  const headers: Record<string, string> = {
    ...job.headers,
    'content-type': job.protocol === 'http/json' ? 'application/json' : 'application/x-protobuf',
  }
  if (job.compression === 'gzip') headers['content-encoding'] = 'gzip'
  return (body) =>
    new Promise((resolve, reject) => {
      const payload = compress(body)
      const options = { method: 'POST', agent, headers: { ...headers, 'content-length': String(payload.length) } }
      const request = http.request(job.url, options, (response) => {
        response.resume()
        response.on('error', reject)
        response.on('end', () => {
          const status = response.statusCode ?? 0
          if (status >= 200 && status < 300) resolve()
          else reject(new Error(`HTTP ${status} ${response.statusMessage ?? ''}`.trim()))
        })
      })
      request.on('error', reject)
      request.end(payload)
    })
}

function grpcSender(): Send {
  const http2 = require('node:http2') as typeof Http2
  const session = http2.connect(job.url, toBuffers(job.tls))
  let failed: Error | undefined
  session.on('error', (error: Error) => (failed ??= error))
  const headers: Record<string, string> = {
    ...job.headers,
    ':method': 'POST',
    ':path': '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
    'content-type': 'application/grpc',
    te: 'trailers',
  }
  if (job.compression === 'gzip') headers['grpc-encoding'] = 'gzip'
  return (body) =>
    new Promise((resolve, reject) => {
      if (failed) {
        reject(failed)
        return
      }
      const payload = compress(body)
      const prefix = Buffer.alloc(5)
      prefix[0] = job.compression === 'gzip' ? 1 : 0
      prefix.writeUInt32BE(payload.length, 1)
      const stream = session.request(headers)
      let status: string | string[] | undefined
      let message: string | string[] | undefined
      const note = (fields: Http2.IncomingHttpHeaders): void => {
        status ??= fields['grpc-status']
        message ??= fields['grpc-message']
      }
      stream.on('response', note)
      stream.on('trailers', note)
      stream.on('error', reject)
      stream.on('close', () => {
        if (status === '0') resolve()
        else
          reject(
            failed ?? new Error(`gRPC status ${status?.toString() ?? 'missing'} ${message?.toString() ?? ''}`.trim()),
          )
      })
      stream.resume()
      stream.end(Buffer.concat([prefix, payload]))
    })
}

function compress(body: Uint8Array): Uint8Array {
  if (job.compression === 'none') return body
  const { gzipSync } = require('node:zlib') as typeof Zlib
  return gzipSync(body)
}

/** Buffers arrive as plain Uint8Arrays, which TLS does not take for PEM text. */
function toBuffers(tls: LastSendJob['tls']): Record<string, Buffer> {
  return Object.fromEntries(Object.entries(tls).map(([key, bytes]: [string, Uint8Array]) => [key, Buffer.from(bytes)]))
}
