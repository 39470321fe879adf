/**
 * OTLP/gRPC on bare node:http2: one unary call per stream, which is all that OTLP needs. An error on one stream is
 * answered on that stream and never touches the connection. Sources: grpc/doc/PROTOCOL-HTTP2.md, opentelemetry-proto
 * docs/specification.md.
 */
import http2 from 'node:http2'
import { encodeExportResponse, encodeStatus, type Signal } from '@spoor/otlp'
import { CollectorError, GRPC, statusOf } from '../../component/index.ts'
import { decompress } from '../../otlp-protocol/decompress.ts'
import { encodeGrpcMessage, messagePrefix, MessageReader } from '../../otlp-protocol/grpc-message.ts'
import { GRPC_PATHS, SIGNALS } from '../../otlp-protocol/services.ts'
import type { GrpcConfig } from './config.ts'
import type { Intake } from './intake.ts'

const MIB = 1024 * 1024
const DEFAULT_MAX_MESSAGE_MIB = 4
const DEFAULT_CONCURRENT_STREAMS = 128
/** Not `application/grpc-web` and not `+json`, which have other messages. */
const GRPC_CONTENT_TYPE = /^application\/grpc(\+proto)?($|;)/
const ACCEPTED_ENCODINGS = 'identity,gzip'
const SIZE_SETTING = 'max_recv_msg_size_mib'
/** How much more of a refused message is read, in message limits, before its stream is cut. */
const REFUSED_READ_FACTOR = 4
/** A call whose message does not go on for so long is cut, as its buffer is held meanwhile. */
const MESSAGE_IDLE_TIMEOUT_MS = 60_000

const RESPONSE_HEADERS: http2.OutgoingHttpHeaders = {
  ':status': 200,
  'content-type': 'application/grpc',
  'grpc-accept-encoding': ACCEPTED_ENCODINGS,
}

/** The empty response, which says that all was taken. */
const SUCCESS = ((): Buffer => {
  const message = encodeExportResponse({})
  return Buffer.concat([messagePrefix(false, message.length), message])
})()

/** Serves connections that it is handed (`server.emit('connection', socket)`); it does not listen itself. */
export function createGrpcServer(config: GrpcConfig, intake: Intake): http2.Http2Server {
  const server = http2.createServer({
    // A session's share of memory in MB, for what waits to be sent; answers are small.
    maxSessionMemory: 64,
    settings: {
      maxConcurrentStreams: config.max_concurrent_streams || DEFAULT_CONCURRENT_STREAMS,
      // Room for a usual message, so that a sender need not wait for window updates within it.
      initialWindowSize: MIB,
    },
  })
  const maxBytes = (config.max_recv_msg_size_mib || DEFAULT_MAX_MESSAGE_MIB) * MIB
  const signals = new Map<string, Signal>(SIGNALS.map((signal) => [GRPC_PATHS[signal], signal]))
  server.on('session', (session) => {
    session.setLocalWindowSize(4 * MIB)
    session.on('error', () => session.destroy())
  })
  server.on('stream', (stream, headers) => {
    // The client's resets; there is nobody left to answer.
    stream.on('error', () => {})
    const contentType = headers['content-type'] ?? ''
    if (!GRPC_CONTENT_TYPE.test(contentType)) {
      respondNotGrpc(stream, contentType)
      return
    }
    const path = headers[':path'] ?? ''
    try {
      intake.checkOpen()
      const signal = signals.get(path)
      if (!signal || !intake.has(signal)) throw unknownPath(path, signal)
      const encoding = headers['grpc-encoding'] ?? 'identity'
      if (encoding !== 'identity' && encoding !== 'gzip') {
        throw new CollectorError(
          'unimplemented',
          `grpc-encoding ${String(encoding)} is not supported; use gzip or identity`,
        )
      }
      receive(stream, signal, encoding, maxBytes, intake)
    } catch (error) {
      stream.resume()
      respondError(stream, intake.refuse(error))
    }
  })
  return server
}

function receive(
  stream: http2.ServerHttp2Stream,
  signal: Signal,
  encoding: 'identity' | 'gzip',
  maxBytes: number,
  intake: Intake,
): void {
  const reader = new MessageReader(maxBytes, SIZE_SETTING)
  stream.setTimeout(MESSAGE_IDLE_TIMEOUT_MS, () => stream.close(http2.constants.NGHTTP2_CANCEL))
  let received = 0
  let refused = false
  const refuse = (error: unknown): void => {
    refused = true
    respondError(stream, intake.refuse(error))
  }
  stream.on('data', (data: Buffer) => {
    received += data.length
    if (refused) {
      if (received > maxBytes * REFUSED_READ_FACTOR) stream.close(http2.constants.NGHTTP2_CANCEL)
      return
    }
    try {
      reader.add(data)
    } catch (error) {
      refuse(error)
    }
  })
  stream.on('end', () => {
    stream.setTimeout(0)
    if (refused || stream.aborted) return
    exportMessage(reader, signal, encoding, maxBytes, intake).then(() => respondSuccess(stream), refuse)
  })
}

async function exportMessage(
  reader: MessageReader,
  signal: Signal,
  encoding: 'identity' | 'gzip',
  maxBytes: number,
  intake: Intake,
): Promise<void> {
  const { compressed, bytes } = reader.end()
  if (!compressed) return intake.take(signal, bytes)
  if (encoding === 'identity') {
    throw new CollectorError('invalid_data', 'the message is flagged as compressed, but the call has no grpc-encoding')
  }
  const result = decompress('gzip', bytes, maxBytes, SIZE_SETTING)
  const { bytes: message, singleMember } = result instanceof Promise ? await result : result
  return intake.take(signal, message, singleMember ? { coding: 'gzip', bytes } : undefined)
}

function unknownPath(path: string, signal: Signal | undefined): CollectorError {
  if (signal) {
    return new CollectorError(
      'unimplemented',
      `no pipeline takes ${signal} from this receiver; add it to a ${signal} pipeline`,
    )
  }
  return new CollectorError(
    'unimplemented',
    `unknown method ${path}; this port has ${Object.values(GRPC_PATHS).join(', ')}`,
  )
}

function respondSuccess(stream: http2.ServerHttp2Stream): void {
  if (stream.destroyed || stream.headersSent) return
  stream.respond(RESPONSE_HEADERS, { waitForTrailers: true })
  stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
  stream.end(SUCCESS)
}

/** "Trailers-Only": status and message in the one header block, nothing else. */
export function respondError(stream: http2.ServerHttp2Stream, error: CollectorError): void {
  if (stream.destroyed || stream.headersSent) return
  const code = statusOf(error).grpc
  const headers: http2.OutgoingHttpHeaders = {
    ...RESPONSE_HEADERS,
    'grpc-status': String(code),
    'grpc-message': encodeGrpcMessage(error.message),
  }
  if (error.retryAfterMs !== undefined && code !== GRPC.OK) {
    const details = encodeStatus({ code, message: error.message, retryAfterMs: error.retryAfterMs })
    headers['grpc-status-details-bin'] = Buffer.from(details).toString('base64')
  }
  stream.respond(headers, { endStream: true })
}

function respondNotGrpc(stream: http2.ServerHttp2Stream, contentType: string): void {
  stream.resume()
  stream.respond({ ':status': 415, 'content-type': 'text/plain; charset=utf-8' })
  stream.end(
    `415 this port speaks OTLP/gRPC (content-type application/grpc), not ${contentType || 'requests without a content-type'}\n`,
  )
}
