/**
 * Content codings of a request's body, bounded: no output is ever longer than the limit, whatever the input says.
 * Small bodies are decompressed on the spot, which costs less than a trip to the thread pool (measured: 718 against 781 µs for 240 kB); large ones go there, so
 * that a big request does not hold up the others.
 */
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import { CollectorError } from '../component/index.ts'

export type ContentCoding = 'gzip' | 'deflate' | 'zstd'

export interface Decompressed {
  readonly bytes: Uint8Array
  /** Whether the compressed body is one gzip member and nothing else, so that every peer reads all of it when it is passed on. */
  readonly singleMember: boolean
}

/** Compressed bytes from which on the thread pool is used. */
const POOL_FROM_BYTES = 256 * 1024
const GZIP_HEADER_BYTES = 10
const GZIP_TRAILER_BYTES = 8

const inflateRaw = promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.inflateRaw)
const gunzip = promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.gunzip)
const inflate = promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.inflate)
const zstdDecompress = promisify<Uint8Array, zlib.ZstdOptions, Buffer>(zlib.zstdDecompress)

/**
 * Throws (or rejects with) `too_large` when the output would be longer than `maxBytes`, `invalid_data` when the input is not of that coding.
 * `setting`: the name of the config key that sets the limit, for the error.
 */
export function decompress(
  coding: ContentCoding,
  input: Uint8Array,
  maxBytes: number,
  setting: string,
): Decompressed | Promise<Decompressed> {
  const fail = (error: unknown): never => {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new CollectorError(
        'too_large',
        `message larger than max (${input.length} bytes of ${coding} are more than ${maxBytes} bytes decompressed); send smaller batches or raise ${setting}`,
      )
    }
    throw new CollectorError('invalid_data', `the body is not valid ${coding}: ${(error as Error).message}`, {
      cause: error,
    })
  }
  if (input.length >= POOL_FROM_BYTES) return decompressPooled(coding, input, maxBytes).catch(fail)
  try {
    return decompressNow(coding, input, maxBytes)
  } catch (error) {
    return fail(error)
  }
}

function decompressNow(coding: ContentCoding, input: Uint8Array, maxBytes: number): Decompressed {
  const options = outputOptions(coding, input, maxBytes)
  switch (coding) {
    case 'gzip': {
      if (!isPlainGzip(input)) return { bytes: zlib.gunzipSync(input, options), singleMember: false }
      const raw = input.subarray(GZIP_HEADER_BYTES)
      // With `info`, Node gives the engine too, whose `bytesWritten` is how much of the input the deflate stream took.
      const result = zlib.inflateRawSync(raw, { ...options, info: true } as zlib.ZlibOptions) as unknown as {
        buffer: Buffer
        engine: { bytesWritten: number }
      }
      const end = GZIP_HEADER_BYTES + result.engine.bytesWritten
      // More members, or bytes behind the first one: gunzip knows what to make of them.
      if (input.length - end !== GZIP_TRAILER_BYTES)
        return { bytes: zlib.gunzipSync(input, options), singleMember: false }
      checkTrailer(input, end, result.buffer)
      return { bytes: result.buffer, singleMember: true }
    }
    case 'deflate':
      return { bytes: zlib.inflateSync(input, options), singleMember: false }
    case 'zstd':
      return { bytes: zlib.zstdDecompressSync(input, options), singleMember: false }
  }
}

async function decompressPooled(coding: ContentCoding, input: Uint8Array, maxBytes: number): Promise<Decompressed> {
  const options = outputOptions(coding, input, maxBytes)
  switch (coding) {
    case 'gzip': {
      if (!isPlainGzip(input)) return { bytes: await gunzip(input, options), singleMember: false }
      const result = (await inflateRaw(input.subarray(GZIP_HEADER_BYTES), {
        ...options,
        info: true,
      } as zlib.ZlibOptions)) as unknown as {
        buffer: Buffer
        engine: { bytesWritten: number }
      }
      const end = GZIP_HEADER_BYTES + result.engine.bytesWritten
      if (input.length - end !== GZIP_TRAILER_BYTES) return { bytes: await gunzip(input, options), singleMember: false }
      checkTrailer(input, end, result.buffer)
      return { bytes: result.buffer, singleMember: true }
    }
    case 'deflate':
      return { bytes: await inflate(input, options), singleMember: false }
    case 'zstd':
      return { bytes: await zstdDecompress(input, options), singleMember: false }
  }
}

/** A gzip stream with the ten-byte header that nearly all senders write: no name, comment or extra field in it. RFC 1952, 2.3. */
function isPlainGzip(input: Uint8Array): boolean {
  return (
    input.length >= GZIP_HEADER_BYTES + GZIP_TRAILER_BYTES &&
    input[0] === 0x1f &&
    input[1] === 0x8b &&
    input[2] === 8 &&
    input[3] === 0
  )
}

function checkTrailer(input: Uint8Array, offset: number, output: Uint8Array): void {
  const view = new DataView(input.buffer, input.byteOffset + offset, GZIP_TRAILER_BYTES)
  if (view.getUint32(0, true) !== zlib.crc32(output)) throw new Error('incorrect data check')
  if (view.getUint32(4, true) !== output.length) throw new Error('incorrect length check')
}

/**
 * One output buffer of the right size where the size is known, so that nothing is gathered and copied afterwards. A gzip stream tells its length in its last
 * four bytes; a wrong one only costs time, as the limit holds for all the output.
 */
function outputOptions(
  coding: ContentCoding,
  input: Uint8Array,
  maxBytes: number,
): { chunkSize: number; maxOutputLength: number } {
  let expected = input.length * 8
  if (coding === 'gzip' && input.length >= GZIP_TRAILER_BYTES) {
    expected = new DataView(input.buffer, input.byteOffset + input.length - 4, 4).getUint32(0, true) + 1
  }
  return { chunkSize: Math.max(1024, Math.min(expected, maxBytes + 1)), maxOutputLength: maxBytes }
}
