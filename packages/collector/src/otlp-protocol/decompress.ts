/**
 * Content codings of a request's body, bounded: no output is ever longer than the limit, whatever the input says, and
 * what is held is leased from the budget.
 *
 * Small bodies are decompressed on the spot, which costs less than a trip to the thread pool (measured: 718 against 781
 * µs for 240 kB); what is or turns out to be large goes there, so that a big request does not hold up the others, in
 * pieces of {@link CHUNK_BYTES} up to the limit. A few at a time
 * do, which is as many as the pool has threads; the others wait with what they came in.
 */
import type { Transform } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import zlib from 'node:zlib'
import { CollectorError, freeBody, freeBytes } from '../component/index.ts'
import { announcedLength, GZIP_HEADER_BYTES, GZIP_TRAILER_BYTES, isPlainGzip } from './announced-length.ts'
import { BodyBuffer, type Holding } from './body-buffer.ts'
import { formOf } from './body-form.ts'
import { unpackLz4 } from './lz4.ts'
import { unpackSnappy, type Unpacking } from './snappy.ts'
import { createTurns } from './turns.ts'

/** `deflate`: with the header of zlib, as everybody sends it. `snappy`: a block, or a stream of them. `lz4`: frames. */
export type ContentCoding = 'gzip' | 'deflate' | 'zstd' | Unpacked
/** Those that Node has not. */
type Unpacked = 'snappy' | 'lz4'

export interface Decompressed {
  /** In memory of their own. */
  readonly bytes: Uint8Array
  /**
   * Whether the compressed body is one gzip member and nothing else, so that every peer reads all of it when it is
   * passed on.
   */
  readonly singleMember: boolean
}

/**
 * The lease is for the input when it comes, and afterwards for what is still held: the output, and the input of a
 * single member.
 */
export interface DecompressOptions extends Holding {
  /** The longest output in bytes. */
  readonly maxBytes: number
  /** The name of the config key that sets `maxBytes`, for the error. */
  readonly setting: string
  /** Whether nobody waits for the output any more. */
  readonly cancelled?: () => boolean
}

/** Compressed bytes from which on the thread pool is used. */
const POOL_FROM_BYTES = 256 * 1024
/** The same for the output. */
const SMALL_OUTPUT_BYTES = 1024 * 1024
const CHUNK_BYTES = 256 * 1024
/** As many as libuv's pool has threads by default. */
const POOLED_AT_A_TIME = 4
const MOST_WAITING = 1024

const turns = createTurns(POOLED_AT_A_TIME, MOST_WAITING)

/**
 * Throws (or rejects with) `too_large` when the output would be longer than `maxBytes`, `overloaded` when the budget
 * has no room for it, `invalid_data` when the input is not of that coding. The input is the callee's from now on: its
 * memory is freed where it is not needed any more.
 */
export function decompress(
  coding: ContentCoding,
  input: Uint8Array,
  options: DecompressOptions,
): Decompressed | Promise<Decompressed> {
  const length = announcedLength(coding, input)
  if (input.length < POOL_FROM_BYTES && (length === undefined || length <= SMALL_OUTPUT_BYTES)) {
    try {
      return settle(decompressNow(coding, input, options.maxBytes, length), input, options)
    } catch (error) {
      if (!isTooLong(error) || options.maxBytes <= SMALL_OUTPUT_BYTES) throw explain(error, coding, input, options)
    }
  }
  return decompressPooled(coding, input, length, options)
}

/** For what is small: at most 1 MiB comes out of it, and no more than `maxBytes`. Throws zlib's error, or one like it. */
export function decompressNow(
  coding: ContentCoding,
  input: Uint8Array,
  maxBytes: number,
  length = announcedLength(coding, input),
): Decompressed {
  const maxOutputLength = Math.min(maxBytes, SMALL_OUTPUT_BYTES)
  const expected = length ?? input.length * 8
  const options = { chunkSize: Math.max(1024, Math.min(expected, maxOutputLength) + 1), maxOutputLength }
  if (isUnpacked(coding)) return joined(unpackNow(coding, input, length, maxOutputLength))
  if (coding === 'deflate') return joined(takenOver(zlib.inflateSync(input, options)))
  if (coding === 'zstd') return joined(takenOver(zlib.zstdDecompressSync(input, options)))
  if (isPlainGzip(input)) {
    const result: unknown = zlib.inflateRawSync(input.subarray(GZIP_HEADER_BYTES), { ...options, info: true })
    const { buffer, engine } = result as InflateResult
    const trailer = trailerOf(input, engine.bytesWritten)
    if (trailer) {
      check(trailer, zlib.crc32(buffer), buffer.length)
      return { bytes: takenOver(buffer), singleMember: true }
    }
  }
  return joined(takenOver(zlib.gunzipSync(input, options)))
}

async function decompressPooled(
  coding: ContentCoding,
  input: Uint8Array,
  length: number | undefined,
  options: DecompressOptions,
): Promise<Decompressed> {
  const { leave, output } = await enter(input, length, options)
  try {
    if (isUnpacked(coding))
      return settle(joined(await unpackInTurns(coding, input, length, options)), input, options, true)
    const member = coding === 'gzip' && isPlainGzip(input) ? await inflateMember(input, output) : undefined
    return settle(member ?? joined(await output.run(streamOf(coding), input)), input, options, true)
  } catch (error) {
    // The input is left to V8: the pool may be reading it yet.
    throw explain(error, coding, input, options)
  } finally {
    leave()
  }
}

/** Waits for a turn, and takes room for the output: where there is none, that is said before it is begun. */
async function enter(
  input: Uint8Array,
  length: number | undefined,
  options: DecompressOptions,
): Promise<{ leave: () => void; output: Output }> {
  let leave: (() => void) | undefined
  try {
    leave = await turns.enter()
    if (options.cancelled?.())
      throw new CollectorError('unavailable', 'the client left before its body was decompressed')
    options.lease.move('decompression')
    return { leave, output: new Output(length, options) }
  } catch (error) {
    leave?.()
    freeBody(input)
    throw error
  }
}

/** What comes out of a stream, and the lease for it: for the length that is expected, or else for the longest. */
class Output {
  readonly #length: number | undefined
  readonly #options: DecompressOptions
  #reserved: number

  constructor(length: number | undefined, options: DecompressOptions) {
    const { maxBytes, budget, lease } = options
    this.#length = length
    this.#options = options
    this.#reserved = Math.min(length ?? budget.maxBytes - lease.bytes, maxBytes)
    reserve(this.#reserved, options)
  }

  /** All that the stream makes of the input. The lease is for just that afterwards. */
  async run(stream: Transform, input: Uint8Array, onPart?: (part: Buffer) => void): Promise<Uint8Array> {
    stream.end(input)
    const output = new BodyBuffer(this.#length, undefined)
    try {
      for await (const part of stream as AsyncIterable<Buffer>) {
        this.#ensure(output.length + part.length)
        output.add(part)
        onPart?.(part)
        freeBytes(part)
      }
      this.#options.lease.shrink(this.#reserved - output.length)
      this.#reserved = output.length
      return output.end()
    } catch (error) {
      output.free()
      throw error
    }
  }

  #ensure(length: number): void {
    if (length > this.#options.maxBytes) throw Object.assign(new Error('too long'), { code: TOO_LONG })
    if (length <= this.#reserved) return
    reserve(length - this.#reserved, this.#options)
    this.#reserved = length
  }
}

function isUnpacked(coding: ContentCoding): coding is Unpacked {
  return coding === 'snappy' || coding === 'lz4'
}

/** Throws where it is none of the coding, or longer. */
function unpackingOf(coding: Unpacked, input: Uint8Array, length: number | undefined, maxBytes: number): Unpacking {
  if (length === undefined) throw new Error('it has no length, or ends in the middle')
  if (length > maxBytes) throw Object.assign(new Error('too long'), { code: TOO_LONG })
  return coding === 'snappy' ? unpackSnappy(input, length) : unpackLz4(input, length)
}

function unpackNow(coding: Unpacked, input: Uint8Array, length: number | undefined, maxBytes: number): Uint8Array {
  const unpacking = unpackingOf(coding, input, length, maxBytes)
  for (;;) {
    const { done, value } = unpacking.next()
    if (done) return value
  }
}

/** The same, with turns for others in between. The lease is for the output already. */
async function unpackInTurns(
  coding: Unpacked,
  input: Uint8Array,
  length: number | undefined,
  { maxBytes, cancelled }: DecompressOptions,
): Promise<Uint8Array> {
  const unpacking = unpackingOf(coding, input, length, maxBytes)
  for (;;) {
    const { done, value } = unpacking.next()
    if (done) return value
    await setImmediate()
    if (cancelled?.()) throw new CollectorError('unavailable', 'the client left before its body was decompressed')
  }
}

/** The output of a gzip stream that is one member, or undefined where there are more. */
async function inflateMember(input: Uint8Array, output: Output): Promise<Decompressed | undefined> {
  const stream = zlib.createInflateRaw({ chunkSize: CHUNK_BYTES })
  let crc = 0
  const onPart = (part: Buffer): void => void (crc = zlib.crc32(part, crc))
  const bytes = await output.run(stream, input.subarray(GZIP_HEADER_BYTES), onPart)
  const trailer = trailerOf(input, stream.bytesWritten)
  if (trailer) {
    check(trailer, crc, bytes.length)
    return { bytes, singleMember: true }
  }
  freeBody(bytes)
  return undefined
}

function streamOf(coding: ContentCoding): Transform {
  const options = { chunkSize: CHUNK_BYTES }
  if (coding === 'deflate') return zlib.createInflate(options)
  return coding === 'zstd' ? zlib.createZstdDecompress(options) : zlib.createGunzip(options)
}

/** Makes the lease one for what is held from here on. `reserved`: it is for the output already. */
function settle(result: Decompressed, input: Uint8Array, options: DecompressOptions, reserved = false): Decompressed {
  if (!reserved) {
    try {
      reserve(result.bytes.length, options)
    } catch (error) {
      freeBody(result.bytes)
      throw error
    }
  }
  if (!result.singleMember) {
    options.lease.shrink(Math.min(input.length, options.lease.bytes))
    freeBody(input)
  }
  return result
}

function reserve(bytes: number, { lease, budget }: DecompressOptions): void {
  if (!lease.grow(bytes)) throw budget.refusal(lease.bytes + bytes)
}

const TOO_LONG = 'ERR_BUFFER_TOO_LARGE'

function isTooLong(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === TOO_LONG
}

function explain(error: unknown, coding: ContentCoding, input: Uint8Array, options: DecompressOptions): CollectorError {
  if (error instanceof CollectorError) return error
  if (isTooLong(error)) {
    return new CollectorError(
      'too_large',
      `message larger than max (${input.length} bytes of ${coding} are more than ${options.maxBytes} bytes decompressed); send smaller batches or raise ${options.setting}`,
    )
  }
  const form = formOf(input)
  return new CollectorError(
    'invalid_data',
    `the body is not valid ${coding}: ${(error as Error).message}${form === undefined ? '' : `; it begins as ${form}`}`,
    { cause: error },
  )
}

function joined(bytes: Uint8Array): Decompressed {
  return { bytes, singleMember: false }
}

/**
 * The same bytes, without the engine that made them: Node's handle of an engine holds on to the memory, and only a major collection
 * frees those. Small ones are copied, as they may be a part of the buffer that Node cuts small ones from.
 */
function takenOver(bytes: Uint8Array): Uint8Array {
  const { buffer, byteOffset, byteLength } = bytes
  if (byteLength < Buffer.poolSize) return new Uint8Array(bytes)
  return new Uint8Array((buffer as ArrayBuffer).transfer(), byteOffset, byteLength)
}

/** What Node gives with `info: true`; the engine knows how much of the input the deflate stream took. */
interface InflateResult {
  readonly buffer: Buffer
  readonly engine: { readonly bytesWritten: number }
}

/** What a gzip member says of its output. RFC 1952, 2.3.1. */
interface Trailer {
  readonly crc: number
  readonly length: number
}

/** The trailer where nothing else is behind the deflate stream of `taken` bytes; undefined where gunzip must see to more members. */
function trailerOf(input: Uint8Array, taken: number): Trailer | undefined {
  const end = GZIP_HEADER_BYTES + taken
  if (input.length - end !== GZIP_TRAILER_BYTES) return undefined
  const trailer = new DataView(input.buffer, input.byteOffset + end, GZIP_TRAILER_BYTES)
  return { crc: trailer.getUint32(0, true), length: trailer.getUint32(4, true) }
}

function check(trailer: Trailer, crc: number, length: number): void {
  if (trailer.crc !== crc) throw new Error('incorrect data check')
  if (trailer.length !== length) throw new Error('incorrect length check')
}
