import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'

/** Sends requests over one protocol on one connection, or as many as there are requests in flight. */
export interface Sender {
  /** Bytes to leave free before the message in the buffer given to `send`. */
  readonly headroom: number
  /**
   * Sends `buffer[0, headroom + message)`. Resolves undefined when the peer has accepted it, and what it has said when
   * it has refused it for now. Rejects when it cannot be reached, or refuses it for good.
   */
  send(buffer: Buffer): Promise<string | undefined>
  close(): Promise<void>
}

export type Protocol = 'grpc' | 'http'

export interface SenderOptions {
  readonly gzip?: boolean
  /** Header fields, or gRPC's metadata, of each request. */
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** @param address `host:port`, or a URL: of OTLP over HTTP with its path, where it is not `/v1/traces` */
export function createSender(protocol: Protocol, address: string, options: SenderOptions = {}): Sender {
  const url = new URL(/^https?:\/\//.test(address) ? address : `http://${address}`)
  return protocol === 'grpc' ? createGrpcSender(url, options) : createHttpSender(url, options)
}

/** gRPC's statuses after which OTLP allows to send again: CANCELLED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS. */
const AGAIN_GRPC = new Set(['1', '4', '8', '10', '11', '14', '15'])
/** HTTP's. */
const AGAIN_HTTP = new Set([429, 502, 503, 504])

/** gRPC on bare node:http2: one connection, one stream a request. The 5-byte prefix goes into the headroom. */
function createGrpcSender(url: URL, { gzip = false, headers: more }: SenderOptions): Sender {
  const session = http2.connect(url.origin)
  let broken: Error | undefined
  session.on('error', (error) => (broken = error))
  const headers = {
    ':method': 'POST',
    ':path': '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
    'content-type': 'application/grpc',
    'grpc-accept-encoding': 'identity,gzip',
    te: 'trailers',
    ...(gzip ? { 'grpc-encoding': 'gzip' } : {}),
    ...more,
  }
  return {
    headroom: 5,
    send(buffer) {
      if (broken) return Promise.reject(broken)
      buffer[0] = gzip ? 1 : 0
      buffer.writeUInt32BE(buffer.length - 5, 1)
      return new Promise((resolve, reject) => {
        const stream = session.request(headers)
        let status: string | undefined
        let message: string | undefined
        const note = (fields: http2.IncomingHttpHeaders) => {
          status = (fields['grpc-status'] as string | undefined) ?? status
          message = (fields['grpc-message'] as string | undefined) ?? message
        }
        stream.on('response', (fields) => {
          note(fields)
          if (fields[':status'] !== 200) status ??= `none (HTTP ${fields[':status']})`
        })
        stream.on('trailers', note)
        stream.once('error', reject)
        stream.once('close', () => {
          if (status === '0') return resolve(undefined)
          const text = `gRPC status ${status}${message === undefined ? '' : `: ${decoded(message)}`}`
          if (status !== undefined && AGAIN_GRPC.has(status)) resolve(text)
          else reject(broken ?? new Error(text))
        })
        stream.resume()
        stream.end(buffer)
      })
    },
    close: () =>
      new Promise((resolve) => {
        if (session.destroyed) return resolve()
        session.once('close', resolve)
        session.close()
      }),
  }
}

/** Percent-encoded, as gRPC sends messages. */
function decoded(message: string): string {
  try {
    return decodeURIComponent(message)
  } catch {
    return message
  }
}

/** OTLP over HTTP with binary protobuf and kept connections. */
function createHttpSender(base: URL, { gzip = false, headers: more }: SenderOptions): Sender {
  const { Agent, request: call } = base.protocol === 'https:' ? https : http
  const agent = new Agent({ keepAlive: true })
  const url = new URL(base.pathname === '/' ? '/v1/traces' : base.pathname, base)
  const coding = gzip ? { 'content-encoding': 'gzip' } : {}
  const headers = { 'content-type': 'application/x-protobuf', ...coding, ...more }
  return {
    headroom: 0,
    send: (buffer) =>
      new Promise((resolve, reject) => {
        const options = { agent, method: 'POST', headers: { ...headers, 'content-length': buffer.length } }
        const request = call(url, options, (response) => {
          let text = ''
          // What is said to an accepted request is nothing.
          if (response.statusCode === 200) response.resume()
          else response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
          response.once('error', reject)
          response.once('end', () => {
            const { statusCode = 0 } = response
            if (statusCode === 200) return resolve(undefined)
            const refusal = `HTTP ${statusCode}${text && `: ${text.slice(0, 200)}`}`
            if (AGAIN_HTTP.has(statusCode)) resolve(refusal)
            else reject(new Error(refusal))
          })
        })
        request.once('error', reject)
        request.end(buffer)
      }),
    close: () => {
      agent.destroy()
      return Promise.resolve()
    },
  }
}
