/** Reading the body of an HTTP request, within its limits and the budget, and decompressing it. */
import type { IncomingMessage } from 'node:http'
import type { Chunk } from '@spoor/otlp'
import { CollectorError, freeBody, freeBytes } from '../component/index.ts'
import { BodyBuffer } from '../otlp-protocol/body-buffer.ts'
import { decompress, type ContentCoding } from '../otlp-protocol/decompress.ts'
import { tooSlow, type Call } from './call.ts'
import type { Exchange } from './http.ts'
import type { Intake } from './intake.ts'
import { metadataOf } from './metadata.ts'

/** The largest message that is taken. */
export interface SizeLimit {
  readonly bytes: number
  /** The key that sets it, for the error. */
  readonly setting: string
}

/** A request's body, decompressed, in memory of its own. */
export interface RequestBody {
  readonly bytes: Uint8Array
  /** The same as the sender compressed it, where it can be passed on so. */
  readonly compressed?: Chunk['compressed']
}

export interface BodyOptions {
  readonly intake: Intake
  /** Before and after decompression each. */
  readonly limit: SizeLimit
  readonly includeMetadata: boolean
  /** The names of `Content-Encoding` that are taken. */
  readonly codings: readonly string[]
  /** Whether the compressed form is of use to whoever takes the body. */
  readonly keepsCompressed: boolean
}

const CODINGS: Readonly<Record<string, ContentCoding | 'identity'>> = {
  '': 'identity',
  gzip: 'gzip',
  deflate: 'deflate',
  zlib: 'deflate',
  zstd: 'zstd',
  snappy: 'snappy',
  'x-snappy-framed': 'snappy',
  lz4: 'lz4',
}
const ALIASES: Readonly<Record<string, string>> = { identity: '', 'x-gzip': 'gzip' }
/**
 * How much more of a refused body is read, in body limits, so that the client gets to read the answer before the
 * connection, or the stream, is cut.
 */
export const REFUSED_READ_FACTOR = 4

/**
 * `use` gets the body and the call that it belongs to, whose lease is for the body; `done` what `use` resolves with. Where the body is not taken,
 * or `use` rejects, `refuse` is called instead, and nothing is held any more.
 */
export function takeBody<T>(
  exchange: Exchange,
  options: BodyOptions,
  use: (body: RequestBody, call: Call) => Promise<T>,
  done: (answer: T) => void,
  refuse: (error: unknown) => void,
): void {
  const { request, response, auth } = exchange
  const { intake, limit, includeMetadata } = options
  try {
    intake.checkOpen()
    const coding = codingOf(request, options.codings)
    readBody(exchange, limit, intake, refuse, (bytes, call) => {
      call.auth = auth
      if (includeMetadata) call.metadata = metadataOf(request.rawHeaders)
      // A client that leaves now still has what it sent worked on, as far as that cannot be stopped.
      response.once('close', () => call.leave())
      useBody(coding, bytes, call, options, use).then(done, refuse)
    })
  } catch (error) {
    refuse(error)
  }
}

function codingOf(request: IncomingMessage, taken: readonly string[]): ContentCoding | 'identity' {
  const name = request.headers['content-encoding'] ?? ''
  const known = ALIASES[name.toLowerCase()] ?? name.toLowerCase()
  const coding = CODINGS[known]
  if (coding && taken.includes(known)) return coding
  const names = taken.map((one) => one || 'none').join(', ')
  throw new CollectorError('invalid_data', `unsupported Content-Encoding: ${name}; use one of ${names}`)
}

/** `use` gets the body decompressed. The call's lease is released when that is done, or was not to be. */
export async function useBody<T>(
  coding: ContentCoding | 'identity',
  bytes: Uint8Array,
  call: Call,
  { limit, keepsCompressed }: Pick<BodyOptions, 'limit' | 'keepsCompressed'>,
  use: (body: RequestBody, call: Call) => Promise<T>,
): Promise<T> {
  try {
    if (coding === 'identity') return await use({ bytes }, call)
    const { budget, lease } = call
    const options = { maxBytes: limit.bytes, setting: limit.setting, budget, lease, cancelled: () => call.left }
    const result = decompress(coding, bytes, options)
    const { bytes: message, singleMember } = result instanceof Promise ? await result : result
    if (!singleMember) return await use({ bytes: message }, call)
    if (keepsCompressed) return await use({ bytes: message, compressed: { coding: 'gzip', bytes } }, call)
    lease.shrink(bytes.length)
    freeBody(bytes)
    return await use({ bytes: message }, call)
  } finally {
    call.lease.release()
  }
}

/**
 * Reads the whole body. `refuse` is called when it is not taken, and then nothing is held any more; `done` with the
 * bytes and the call that holds them.
 */
function readBody(
  exchange: Exchange,
  { bytes: maxBytes, setting }: SizeLimit,
  intake: Intake,
  refuse: (error: unknown) => void,
  done: (body: Uint8Array, call: Call) => void,
): void {
  const { request, sender, readBy } = exchange
  const header = request.headers['content-length']
  const announced = header === undefined ? undefined : Number(header)
  let over = false
  const giveUp = (error?: unknown): void => {
    if (over) return
    over = true
    body.free()
    call.lease.release()
    if (error !== undefined) refuse(error)
  }
  const call = intake.open(() => giveUp(tooSlow()), sender, request.socket)
  const body = new BodyBuffer(announced, call)
  const tooLarge = (size: string): CollectorError =>
    new CollectorError(
      'too_large',
      `request body too large (${size} bytes, at most ${maxBytes}); send smaller batches or raise ${setting}`,
    )
  if (announced !== undefined && announced > maxBytes) giveUp(tooLarge(String(announced)))
  request.on('data', (data: Buffer) => {
    exchange.received += data.length
    if (over) {
      if (exchange.received > maxBytes * REFUSED_READ_FACTOR) request.socket.destroy()
    } else if (exchange.received > maxBytes) giveUp(tooLarge(`more than ${maxBytes}`))
    else {
      try {
        if (performance.now() > readBy) throw new CollectorError('timeout', 'the request did not come in time')
        body.add(data)
      } catch (error) {
        giveUp(error)
      }
    }
    freeBytes(data)
  })
  request.on('end', () => {
    if (over) return
    over = true
    call.lease.move('body')
    done(body.end(), call)
  })
  // The client went away in the middle of its body: there is nobody to answer.
  request.on('error', () => giveUp())
}
