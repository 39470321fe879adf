import http from 'node:http'
import http2 from 'node:http2'

/** Sends requests over one protocol to one address. */
export interface Sender {
  /** Bytes to leave free before the message in the buffer given to `send`. */
  readonly headroom: number
  /**
   * Sends `buffer[0, headroom + message)`. Resolves true when the peer has accepted it, false when it has refused it.
   * Rejects when it cannot be reached.
   */
  send(buffer: Buffer): Promise<boolean>
  close(): Promise<void>
}

export type Protocol = 'grpc' | 'http'

export function createSender(protocol: Protocol, address: string, gzip: boolean): Sender {
  return protocol === 'grpc' ? createGrpcSender(address, gzip) : createHttpSender(address, gzip)
}

/** gRPC on bare node:http2: one connection, one stream a request. The 5-byte prefix goes into the headroom. */
function createGrpcSender(address: string, gzip: boolean): Sender {
  const session = http2.connect(`http://${address}`)
  let broken: Error | undefined
  session.on('error', (error) => (broken = error))
  const headers = {
    ':method': 'POST',
    ':path': '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
    'content-type': 'application/grpc',
    'grpc-accept-encoding': 'identity,gzip',
    te: 'trailers',
    ...(gzip ? { 'grpc-encoding': 'gzip' } : {}),
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
        const note = (fields: http2.IncomingHttpHeaders) => (status = String(fields['grpc-status'] ?? status))
        stream.on('response', note)
        stream.on('trailers', note)
        stream.once('error', reject)
        stream.once('close', () => resolve(status === '0'))
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

/** OTLP over HTTP with binary protobuf and kept connections. */
function createHttpSender(address: string, gzip: boolean): Sender {
  const agent = new http.Agent({ keepAlive: true })
  const url = new URL(`http://${address}/v1/traces`)
  const coding = gzip ? { 'content-encoding': 'gzip' } : {}
  return {
    headroom: 0,
    send: (buffer) =>
      new Promise((resolve, reject) => {
        const headers = { 'content-type': 'application/x-protobuf', 'content-length': buffer.length, ...coding }
        const request = http.request(url, { agent, method: 'POST', headers }, (response) => {
          response.resume()
          response.once('end', () => resolve(response.statusCode === 200))
          response.once('error', reject)
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
