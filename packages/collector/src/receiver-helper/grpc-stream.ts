/** Calls of gRPC with small messages that come, any number either way: those of its own services, and queries. Source: grpc/doc/PROTOCOL-HTTP2.md. */
import type http2 from 'node:http2'
import { gunzipSync } from 'node:zlib'
import { GRPC } from '../component/index.ts'
import { encodeGrpcMessage, messagePrefix, PREFIX_BYTES } from '../otlp-protocol/grpc-message.ts'
import { isAnswerable } from './grpc-call.ts'

/** The other side's way to answer. */
export interface StreamAnswer {
  send(message: Uint8Array): void
  /** Resolves when what was sent has gone so far that more should be sent, or the call is over. */
  drained(): Promise<void>
  /** Ends the call. `code`: default OK. */
  end(code?: number, message?: string): void
  /** The call goes on for as long as the client wants, whether anything comes or not. */
  stay(): void
}

export interface StreamListener {
  /** Hears of each message; what it throws ends the call. */
  message(bytes: Buffer): void
  /** The client sends no more. */
  end?(): void
  /** The call is over. */
  closed?(): void
}

export type StreamHandler = (answer: StreamAnswer) => StreamListener

/** Of one message. */
const MAX_BYTES = 64 * 1024

export function serveStream(
  stream: http2.ServerHttp2Stream,
  request: http2.IncomingHttpHeaders,
  headers: http2.OutgoingHttpHeaders,
  handler: StreamHandler,
): void {
  if (!isAnswerable(stream)) return
  let status: { code: number; message: string } = { code: GRPC.OK, message: '' }
  let ended = false
  const end = (code: number = GRPC.OK, message = ''): void => {
    if (ended || stream.destroyed) return
    ended = true
    status = { code, message }
    stream.end()
  }
  stream.respond(headers, { waitForTrailers: true })
  stream.once('wantTrailers', () =>
    stream.sendTrailers({ 'grpc-status': String(status.code), 'grpc-message': encodeGrpcMessage(status.message) }),
  )
  const listener = handler({
    send(message) {
      if (!ended && !stream.destroyed) stream.write(Buffer.concat([messagePrefix(false, message.length), message]))
    },
    async drained() {
      if (!stream.writableNeedDrain || stream.destroyed) return
      await new Promise<void>((resolve) => {
        const done = (): void => {
          stream.off('drain', done).off('close', done)
          resolve()
        }
        stream.on('drain', done).on('close', done)
      })
    },
    end,
    stay: () => stream.setTimeout(0),
  })
  let waiting: Buffer = Buffer.alloc(0)
  stream.on('data', (data: Buffer) => {
    if (!ended) waiting = Buffer.concat([waiting, data])
    for (;;) {
      if (ended || waiting.length < PREFIX_BYTES) return
      const length = waiting.readUInt32BE(1)
      if (length > MAX_BYTES) return end(GRPC.RESOURCE_EXHAUSTED, `a message has at most ${MAX_BYTES} bytes here`)
      if (waiting.length < PREFIX_BYTES + length) return
      const bytes = waiting.subarray(PREFIX_BYTES, PREFIX_BYTES + length)
      const isPacked = waiting[0] === 1
      waiting = waiting.subarray(PREFIX_BYTES + length)
      if (isPacked && request['grpc-encoding'] !== 'gzip')
        return end(GRPC.UNIMPLEMENTED, 'messages may be compressed with gzip only here')
      try {
        listener.message(isPacked ? gunzipSync(bytes, { maxOutputLength: MAX_BYTES }) : bytes)
      } catch (error) {
        end(GRPC.INVALID_ARGUMENT, `not a valid message: ${(error as Error).message}`)
      }
    }
  })
  stream.once('end', () => listener.end?.())
  stream.once('close', () => listener.closed?.())
}
