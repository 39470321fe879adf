/** One unary call of gRPC, from its message to its answer. Sources: grpc/doc/PROTOCOL-HTTP2.md, opentelemetry-proto docs/specification.md. */
import http2 from 'node:http2'
import { encodeStatus } from '@spoor/otlp'
import {
  CollectorError,
  GRPC,
  REPORTS_HEADER,
  REPORTS_VERSION,
  statusOf,
  type AuthData,
  type Metadata,
  type SenderAccount,
} from '../component/index.ts'
import type { ContentCoding } from '../otlp-protocol/decompress.ts'
import { encodeGrpcMessage, MessageReader } from '../otlp-protocol/grpc-message.ts'
import { tooSlow, type Call } from './call.ts'
import type { Intake } from './intake.ts'
import { REFUSED_READ_FACTOR, useBody, type RequestBody, type SizeLimit } from './request-body.ts'

/** The content codings that there are, by gRPC's names. */
const CODINGS: readonly (ContentCoding | 'identity')[] = ['identity', 'gzip', 'deflate', 'zstd', 'snappy']
const ACCEPTED_ENCODINGS = CODINGS.join(',')

/** Of every answer. */
export const RESPONSE_HEADERS: http2.OutgoingHttpHeaders = {
  ':status': 200,
  'content-type': 'application/grpc',
  'grpc-accept-encoding': ACCEPTED_ENCODINGS,
}

const TAKEN_HEADERS: http2.OutgoingHttpHeaders = { ...RESPONSE_HEADERS, [REPORTS_HEADER]: REPORTS_VERSION }

/** Milliseconds. */
export interface GrpcTimeouts {
  /** A call whose message does not go on for so long is cut, and one whose answer is not taken. */
  readonly stallMs: number
  /** A message must be there by then, however it goes on. */
  readonly messageMs: number
}

/** Resolves with the answer's message, with its prefix. The call's lease is for the body, and is released afterwards. */
export type UnaryHandler = (body: RequestBody, call: Call) => Promise<Uint8Array>

/** A call that is to be received. */
export interface Order {
  readonly handler: UnaryHandler
  readonly encoding: ContentCoding | 'identity'
  readonly limit: SizeLimit
  /** The call's deadline, from now. */
  readonly timeoutMs: number | undefined
  readonly timeouts: GrpcTimeouts
  readonly sender: SenderAccount
  readonly metadata: Metadata | undefined
}

/** The coding of a call's message. Throws `unimplemented` for one that there is not. */
export function encodingOf(headers: http2.IncomingHttpHeaders): Order['encoding'] {
  const name = headers['grpc-encoding'] ?? 'identity'
  for (const coding of CODINGS) if (coding === name) return coding
  const message = `grpc-encoding ${String(name)} is not supported; use one of ${ACCEPTED_ENCODINGS}`
  throw new CollectorError('unimplemented', message)
}

/** Receives the message, has it taken, and answers. */
export function receiveCall(
  stream: http2.ServerHttp2Stream,
  order: Order,
  auth: AuthData | undefined,
  intake: Intake,
): void {
  // The client may have left while it was looked at who it is.
  if (!isAnswerable(stream)) return
  const { limit, timeoutMs, metadata } = order
  const { stallMs, messageMs } = order.timeouts
  const beganMs = performance.now()
  let received = 0
  /** Whether the message is complete or not wanted any more; its bytes are somebody else's, or free. */
  let over = false
  let timer: NodeJS.Timeout | undefined
  const refuse = (error: unknown): void => {
    clearTimeout(timer)
    // Its client has been told why, or is gone.
    if (call.left) return
    stream.setTimeout(stallMs)
    respondError(stream, intake.refuse(error, order.sender))
  }
  const giveUp = (): void => {
    if (over) return
    over = true
    reader.free()
    call.lease.release()
  }
  const call = intake.open(
    () => {
      giveUp()
      refuse(tooSlow())
    },
    order.sender,
    stream.session?.socket,
  )
  call.auth = auth
  if (metadata) call.metadata = metadata
  const reader = new MessageReader(limit.bytes, limit.setting, call)
  if (timeoutMs !== undefined) {
    call.deadline = beganMs + timeoutMs
    const expire = (): void => {
      const waited = over
      giveUp()
      refuse(deadlineExceeded(waited))
      call.leave()
    }
    if (timeoutMs === 0) expire()
    else timer = setTimeout(expire, timeoutMs)
  }
  stream.on('data', (data: Buffer) => {
    received += data.length
    if (over) {
      if (received > limit.bytes * REFUSED_READ_FACTOR) stream.close(http2.constants.NGHTTP2_CANCEL)
      return
    }
    try {
      if (performance.now() - beganMs > messageMs) throw trickled(messageMs)
      reader.add(data)
    } catch (error) {
      giveUp()
      refuse(error)
    }
  })
  stream.on('end', () => {
    if (over || stream.aborted) return
    over = true
    call.lease.move('body')
    stream.setTimeout(0)
    useMessage(reader, order, call).then((answer) => {
      clearTimeout(timer)
      stream.setTimeout(stallMs)
      if (!call.left) respondSuccess(stream, answer)
    }, refuse)
  })
  stream.on('close', () => {
    clearTimeout(timer)
    giveUp()
    call.leave()
  })
}

function deadlineExceeded(waited: boolean): CollectorError {
  const message = waited
    ? "the call's deadline (grpc-timeout) passed while it waited for the pipelines; it may yet be taken, and twice if it is sent again"
    : "the call's deadline (grpc-timeout) passed before its message was there"
  return new CollectorError('timeout', message)
}

function trickled(messageMs: number): CollectorError {
  return new CollectorError('timeout', `the message was not there within ${messageMs / 1000} s`)
}

async function useMessage(reader: MessageReader, { handler, encoding, limit }: Order, call: Call): Promise<Uint8Array> {
  try {
    const { compressed, bytes } = reader.end()
    if (compressed && encoding === 'identity') {
      throw new CollectorError(
        'invalid_data',
        'the message is flagged as compressed, but the call has no grpc-encoding',
      )
    }
    return await useBody(compressed ? encoding : 'identity', bytes, call, { limit, keepsCompressed: true }, handler)
  } finally {
    call.lease.release()
  }
}

/**
 * Whether a call has no answer yet, and can have one. A stream that its client has reset is `closed` first and
 * `destroyed` later, and may be so when it is announced; `respond` throws for both.
 */
export function isAnswerable(stream: http2.ServerHttp2Stream): boolean {
  return !stream.closed && !stream.destroyed && !stream.headersSent
}

function respondSuccess(stream: http2.ServerHttp2Stream, answer: Uint8Array): void {
  if (!isAnswerable(stream)) return
  stream.respond(TAKEN_HEADERS, { waitForTrailers: true })
  stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
  stream.end(answer)
}

/** "Trailers-Only": status and message in the one header block, nothing else. */
export function respondError(stream: http2.ServerHttp2Stream, error: CollectorError): void {
  if (!isAnswerable(stream)) return
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
