/**
 * Content codings of a request's body, bounded: no output is ever longer than the limit, whatever the input says, and
 * what is held is leased from the budget.
 *
 * Small bodies are decompressed on the spot, which costs less than a trip to the thread pool (measured: 718 against 781
 * µs for 240 kB); what is or turns out to be large goes there, so that a big request does not hold up the others: in
 * one piece where the input tells its length, else in pieces of {@link CHUNK_BYTES} up to the limit. A few at a time
 * do, which is as many as the pool has threads; the others wait with what they came in. What is left to this thread then, a
 * checksum or putting pieces together, is done a slice at a time.
 */
import type { Transform } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import { CollectorError } from '../component/index.ts'
import type { Holding } from './body-buffer.ts'
import { freeBody, freeBytes, gather, SLICE_BYTES } from './gather.ts'
import { createTurns } from './turns.ts'

export type ContentCoding = 'gzip' | 'deflate' | 'zstd'

export interface Decompressed {
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
/** Deflate cannot do better: RFC 1951 takes two bits for 258 bytes. */
const MOST_DEFLATE_RATIO = 1032
/** As many as libuv's pool has threads by default. */
const POOLED_AT_A_TIME = 4
const MOST_WAITING = 1024
/** RFC 1952, 2.3: the fixed part of a member's header, and its trailer of CRC-32 and length. */
const HEADER_BYTES = 10
const TRAILER_BYTES = 8

const inflateRaw = promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.inflateRaw)
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
  const length = lengthOf(coding, input)
  if (input.length < POOL_FROM_BYTES && (length === undefined || length <= SMALL_OUTPUT_BYTES)) {
    try {
      return settle(decompressNow(coding, input, options.maxBytes), input, options)
    } catch (error) {
      if (!isTooLong(error) || options.maxBytes <= SMALL_OUTPUT_BYTES) throw explain(error, coding, input, options)
    }
  }
  return decompressPooled(coding, input, length, options)
}

function decompressNow(coding: ContentCoding, input: Uint8Array, maxBytes: number): Decompressed {
  const maxOutputLength = Math.min(maxBytes, SMALL_OUTPUT_BYTES)
  const expected = lengthOf(coding, input) ?? input.length * 8
  const options = { chunkSize: Math.max(1024, Math.min(expected, maxOutputLength) + 1), maxOutputLength }
  if (coding === 'deflate') return joined(zlib.inflateSync(input, options))
  if (coding === 'zstd') return joined(zlib.zstdDecompressSync(input, options))
  const member = isPlainGzip(input)
    ? onlyMember(input, zlib.inflateRawSync(input.subarray(HEADER_BYTES), { ...options, info: true }))
    : undefined
  if (!member) return joined(zlib.gunzipSync(input, options))
  return checked(member, zlib.crc32(member.bytes))
}

async function decompressPooled(
  coding: ContentCoding,
  input: Uint8Array,
  length: number | undefined,
  options: DecompressOptions,
): Promise<Decompressed> {
  const leave = await turns.enter()
  try {
    if (options.cancelled?.())
      throw new CollectorError('unavailable', 'the client left before its body was decompressed')
    options.lease.move('decompression')
    const member =
      length === undefined || length > options.maxBytes ? undefined : await inflateMember(input, length, options)
    return settle(member ?? joined(await inflateStreamed(coding, input, options)), input, options, true)
  } catch (error) {
    throw explain(error, coding, input, options)
  } finally {
    leave()
  }
}

/** The output of a gzip stream of the length that it tells, or undefined where it is not what it tells. */
async function inflateMember(
  input: Uint8Array,
  length: number,
  options: DecompressOptions,
): Promise<Decompressed | undefined> {
  reserve(length, options)
  let member: Decompressed | undefined
  try {
    // A byte more than needed, so that the end is seen without another buffer.
    const output = { chunkSize: Math.max(1024, length + 1), maxOutputLength: Math.max(1, length), info: true }
    const found = onlyMember(input, await inflateRaw(input.subarray(HEADER_BYTES), output))
    member = found && checked(found, await checksum(found.bytes))
  } catch (error) {
    if (!isTooLong(error)) throw error
  }
  if (!member) options.lease.shrink(length)
  return member
}

async function checksum(bytes: Uint8Array): Promise<number> {
  let crc = 0
  for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
    crc = zlib.crc32(bytes.subarray(at, at + SLICE_BYTES), crc)
    await setImmediate()
  }
  return crc
}

async function inflateStreamed(
  coding: ContentCoding,
  input: Uint8Array,
  options: DecompressOptions,
): Promise<Uint8Array> {
  const stream = streamOf(coding)
  stream.end(input)
  const parts: Buffer[] = []
  let length = 0
  try {
    for await (const part of stream as AsyncIterable<Buffer>) {
      parts.push(part)
      length += part.length
      if (length > options.maxBytes) throw Object.assign(new Error('too long'), { code: TOO_LONG })
      reserve(part.length, options)
    }
    return await gather(parts, length)
  } catch (error) {
    for (const part of parts) freeBytes(part)
    throw error
  }
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
    freeBytes(input)
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
  return new CollectorError('invalid_data', `the body is not valid ${coding}: ${(error as Error).message}`, {
    cause: error,
  })
}

function joined(bytes: Uint8Array): Decompressed {
  return { bytes, singleMember: false }
}

/** What Node gives with `info: true`; the engine knows how much of the input the deflate stream took. */
interface InflateResult {
  readonly buffer: Buffer
  readonly engine: { readonly bytesWritten: number }
}

/** The output of a gzip member, and what its trailer says of it. */
interface Member {
  readonly bytes: Uint8Array
  readonly crc: number
  readonly length: number
}

/** The output where nothing but a trailer is behind the deflate stream; undefined where gunzip must see to more members. */
function onlyMember(input: Uint8Array, result: unknown): Member | undefined {
  const { buffer, engine } = result as InflateResult
  const end = HEADER_BYTES + engine.bytesWritten
  if (input.length - end !== TRAILER_BYTES) return undefined
  const trailer = new DataView(input.buffer, input.byteOffset + end, TRAILER_BYTES)
  return { bytes: buffer, crc: trailer.getUint32(0, true), length: trailer.getUint32(4, true) }
}

/** The member as the whole of a body. `crc`: the checksum of its bytes. */
function checked(member: Member, crc: number): Decompressed {
  if (member.crc !== crc) throw new Error('incorrect data check')
  if (member.length !== member.bytes.length) throw new Error('incorrect length check')
  return { bytes: member.bytes, singleMember: true }
}

/**
 * A gzip stream with the ten-byte header that nearly all senders write: no name, comment or extra field in it. RFC
 * 1952, 2.3.
 */
function isPlainGzip(input: Uint8Array): boolean {
  return (
    input.length >= HEADER_BYTES + TRAILER_BYTES &&
    input[0] === 0x1f &&
    input[1] === 0x8b &&
    input[2] === 8 &&
    input[3] === 0
  )
}

/**
 * How long the output is by the input's own words: the last four bytes of a plain gzip stream; undefined where they
 * cannot be true. They may still be wrong, or be those of the last member only.
 */
function lengthOf(coding: ContentCoding, input: Uint8Array): number | undefined {
  if (coding !== 'gzip' || !isPlainGzip(input)) return undefined
  const length = new DataView(input.buffer, input.byteOffset + input.length - 4, 4).getUint32(0, true)
  return length <= input.length * MOST_DEFLATE_RATIO ? length : undefined
}
