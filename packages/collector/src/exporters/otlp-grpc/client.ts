/**
 * A gRPC client for unary calls on bare node:http2: one session, with as many calls at a time as are asked for, opened
 * again when it is gone. Source: grpc/doc/PROTOCOL-HTTP2.md.
 */
import http2 from 'node:http2'
import { decodeStatus } from '@spoor/otlp'
import { CollectorError, errorFromGrpc, GRPC, grpcFromHttp, timerMs } from '../../component/index.ts'
import type { Payload } from '../../exporter-helper/index.ts'
import { decompressNow, type ContentCoding } from '../../otlp-protocol/decompress.ts'
import { decodeGrpcMessage, type GrpcMessage, messagePrefix, MessageReader } from '../../otlp-protocol/grpc-message.ts'

export interface GrpcClientOptions {
  /** `http://host:port` or `https://host:port`. */
  readonly authority: string
  /** How errors call the peer: `host:port`. */
  readonly name: string
  /** For the next session. */
  readonly connect: () => http2.SecureClientSessionOptions
  readonly headers: Readonly<Record<string, string>>
  /** Hears of each call that is over: its path, the code of its status, and milliseconds. */
  readonly observe?: ((path: string, code: number, durationMs: number) => void) | undefined
  readonly keepalive?:
    | { readonly time: number; readonly timeout: number; readonly permit_without_stream: boolean }
    | undefined
}

export interface GrpcAnswer {
  /** The response message. */
  readonly message: Uint8Array
  /** Whether the payload had been handed to the system when the answer came, and is not read any more. */
  readonly isWritten: boolean
}

const ANSWER_CODINGS: readonly ContentCoding[] = ['gzip', 'deflate', 'zstd', 'snappy']
/** An answer is small: counts and a message. */
const MAX_RESPONSE_BYTES = 4 * 1024 * 1024
/**
 * Megabytes that may wait in one session; several large batches are on their way at once. Node's default of 10 would
 * refuse them.
 */
const SESSION_MEMORY_MB = 1024
/** How long a peer that has left a call without an answer may take to answer a ping. */
const PROBE_TIMEOUT_MS = 2000

export class GrpcClient {
  readonly #options: GrpcClientOptions
  #session: http2.ClientHttp2Session | undefined
  #calls = 0
  /** Sessions of which it is not known whether their peer is still there. */
  readonly #probed = new Set<http2.Http2Session>()

  constructor(options: GrpcClientOptions) {
    this.#options = options
  }

  /** `headers`: those of this call, beside those of the options. Rejects with what the peer's status, or the failure of the connection, stands for. */
  async call(
    path: string,
    payload: Payload,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<GrpcAnswer> {
    const stream = this.#request(path, payload, headers)
    const abort = (): void => {
      const { session } = stream
      stream.close(http2.constants.NGHTTP2_CANCEL)
      if (session) this.#probe(session)
    }
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) abort()
    this.#calls++
    const beganMs = performance.now()
    const observe = (code: number): void => this.#options.observe?.(path, code, performance.now() - beganMs)
    try {
      const message = await this.#response(stream, observe)
      return { message, isWritten: stream.writableFinished }
    } finally {
      this.#calls--
      signal.removeEventListener('abort', abort)
    }
  }

  /** The next call opens another session; those that are under way go on. */
  renew(): void {
    this.#session?.close()
    this.#session = undefined
  }

  async close(): Promise<void> {
    const session = this.#session
    this.#session = undefined
    if (!session || session.destroyed) return
    await new Promise<void>((resolve) => {
      session.once('close', resolve)
      // Waits for streams that are open; by now there are none, unless they were given up.
      session.close()
      session.destroy()
    })
  }

  #request(path: string, payload: Payload, own: Readonly<Record<string, string>>): http2.ClientHttp2Stream {
    const headers: http2.OutgoingHttpHeaders = {
      ...this.#options.headers,
      ...own,
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      'grpc-accept-encoding': `identity,${ANSWER_CODINGS.join(',')}`,
    }
    if (payload.coding !== undefined)
      headers['grpc-encoding'] = payload.coding === 'x-snappy-framed' ? 'snappy' : payload.coding
    const stream = this.#open(headers)
    stream.cork()
    stream.write(messagePrefix(payload.coding !== undefined, payload.length))
    for (const part of payload.parts) stream.write(part)
    stream.end()
    stream.uncork()
    return stream
  }

  #open(headers: http2.OutgoingHttpHeaders): http2.ClientHttp2Stream {
    try {
      return this.#connected().request(headers)
    } catch {
      // The session is going away and nothing of the call was sent; another one is opened for it.
      this.#session = undefined
      return this.#connected().request(headers)
    }
  }

  #response(stream: http2.ClientHttp2Stream, observe: (code: number) => void): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const reader = new MessageReader(MAX_RESPONSE_BYTES, 'the size of the answer')
      let status = 0
      let encoding: string | string[] | undefined
      let answer: http2.IncomingHttpHeaders = {}
      let failure: unknown
      stream.on('response', (headers) => {
        status = headers[':status'] ?? 0
        answer = headers
        encoding = headers['grpc-encoding']
      })
      stream.on('trailers', (trailers) => (answer = trailers))
      stream.on('data', (data: Buffer) => {
        if (status !== 200 || failure !== undefined) return
        try {
          reader.add(data)
        } catch (error) {
          failure = error
        }
      })
      stream.on('error', (error) => (failure = error))
      stream.on('close', () => {
        const code = answer['grpc-status']
        const isCancelled = stream.rstCode === http2.constants.NGHTTP2_CANCEL
        const withoutAnswer = isCancelled ? GRPC.CANCELLED : GRPC.UNAVAILABLE
        const fromHttp = status === 200 || status === 0 ? withoutAnswer : grpcFromHttp(status)
        observe(code === undefined ? fromHttp : Number(code))
        if (code === '0' && failure === undefined) {
          try {
            resolve(plainBytes(reader.end(), encoding))
          } catch (error) {
            reject(this.#unreachable(error))
          }
        } else if (code !== undefined && code !== '0') {
          reject(this.#refusal(Number(code), answer))
        } else if (status !== 0 && status !== 200) {
          reject(errorFromGrpc(this.#options.name, fromHttp, `HTTP status ${status} instead of a gRPC answer`))
        } else {
          reject(
            this.#unreachable(
              failure ?? new Error(`the stream was reset (HTTP/2 code ${stream.rstCode}) without an answer`),
            ),
          )
        }
      })
    })
  }

  #refusal(code: number, trailers: http2.IncomingHttpHeaders): CollectorError {
    const details = trailers['grpc-status-details-bin']
    let retryAfterMs: number | undefined
    if (typeof details === 'string') {
      try {
        retryAfterMs = decodeStatus(Buffer.from(details, 'base64')).retryAfterMs
      } catch {
        // Details that cannot be read say nothing; the code and message are enough.
      }
    }
    const message = trailers['grpc-message']
    return errorFromGrpc(
      this.#options.name,
      Number.isInteger(code) ? code : GRPC.UNKNOWN,
      typeof message === 'string' ? decodeGrpcMessage(message) : '',
      retryAfterMs,
    )
  }

  #connected(): http2.ClientHttp2Session {
    const current = this.#session
    if (current && !current.closed && !current.destroyed) return current
    const session = http2.connect(this.#options.authority, {
      ...this.#options.connect(),
      maxSessionMemory: SESSION_MEMORY_MB,
      settings: { enablePush: false },
    })
    const forget = (): void => {
      if (this.#session === session) this.#session = undefined
    }
    // Each call on the session hears of its end by its own stream.
    session.on('error', forget)
    session.on('goaway', () => {
      forget()
      session.close()
    })
    session.on('close', forget)
    if (this.#options.keepalive) this.#keepAlive(session, this.#options.keepalive)
    this.#session = session
    return session
  }

  #unreachable(error: unknown): CollectorError {
    if (error instanceof CollectorError) return error
    const { message, code } = error as NodeJS.ErrnoException
    const hint =
      code === 'ERR_HTTP2_ERROR' || code === 'ERR_SSL_WRONG_VERSION_NUMBER'
        ? '; does this port speak OTLP/gRPC (usually 4317), with or without TLS as configured (tls.insecure)?'
        : ''
    return new CollectorError('unavailable', `cannot send to ${this.#options.name}: ${message}${hint}`, {
      cause: error,
    })
  }

  /**
   * Ends a session whose peer is gone without a word (a cut cable, a machine that lost its power), so that the next call opens another one; the
   * system itself would notice after a quarter of an hour. A peer that is merely slow answers the ping.
   */
  #probe(session: http2.Http2Session): void {
    if (session.destroyed || this.#probed.has(session)) return
    this.#probed.add(session)
    const timer = setTimeout(() => session.destroy(new Error('the peer does not answer')), PROBE_TIMEOUT_MS)
    const end = (): void => {
      clearTimeout(timer)
      session.off('close', end)
      this.#probed.delete(session)
    }
    session.once('close', end)
    if (!session.connecting) session.ping(end)
  }

  /** Pings, and ends a session whose peer no longer answers; its calls then fail and are retried on a new one. */
  #keepAlive(session: http2.ClientHttp2Session, config: NonNullable<GrpcClientOptions['keepalive']>): void {
    const timer = setInterval(() => {
      if (session.connecting || (this.#calls === 0 && !config.permit_without_stream)) return
      const unanswered = setTimeout(
        () => session.destroy(new Error('a keepalive ping was not answered')),
        timerMs(config.timeout),
      )
      session.ping(() => clearTimeout(unanswered))
    }, timerMs(config.time))
    session.once('close', () => clearInterval(timer))
  }
}

/** Some servers (grpc-go) answer in the coding of the request, whatever the client says that it accepts. */
function plainBytes({ compressed, bytes }: GrpcMessage, encoding: string | string[] | undefined): Uint8Array {
  if (!compressed) return bytes
  const coding = ANSWER_CODINGS.find((one) => one === (encoding ?? 'gzip'))
  if (!coding) throw new Error(`the answer is compressed with ${String(encoding)}, which is not read`)
  return decompressNow(coding, bytes, MAX_RESPONSE_BYTES).bytes
}
