/**
 * What requests are compressed with, and how much. Keys and levels as in the OpenTelemetry Collector's configcompression, except for the
 * level where none is set: there 6, or zstd's 1.
 */
import { setImmediate } from 'node:timers/promises'
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import { z } from 'zod'
import { section } from '../component/index.ts'
import { packLz4 } from '../otlp-protocol/lz4.ts'
import { packSnappy, packSnappyStream } from '../otlp-protocol/snappy-encode.ts'

/** By the names of `Content-Encoding`. `zlib` and `deflate` are the same; `snappy`: one block. */
export type Coding = 'gzip' | 'zstd' | 'zlib' | 'deflate' | 'snappy' | 'x-snappy-framed' | 'lz4'
export type Compression = 'none' | Coding

export const compressionParams = section({
  level: z
    .int()
    .default(0)
    .describe(
      '`gzip`, `zlib`, `deflate`: 1 (fast) to 9 (small), -1 for 6, -2 for Huffman coding only. `zstd`: 1 to 22; beyond, the nearest. The others have none. 0: 1. What came compressed with gzip keeps its level.',
    ),
})

export type CompressionParams = z.infer<typeof compressionParams>

const MOST_LEVEL = 9
const LEAST_LEVEL = zlib.constants.Z_DEFAULT_COMPRESSION - 1
const MOST_ZSTD_LEVEL = 22
const FAST_LEVEL = 1

/** To be asked of each section with `compression` and `compression_params`. */
export function checkLevel(
  {
    compression,
    compression_params: { level },
  }: { compression: Compression | ''; compression_params: CompressionParams },
  context: z.RefinementCtx,
): void {
  if (level === 0 || compression === 'none' || compression === '' || compression === 'zstd') return
  const hasLevels = compression === 'gzip' || compression === 'zlib' || compression === 'deflate'
  if (hasLevels && level >= LEAST_LEVEL && level <= MOST_LEVEL) return
  const way = hasLevels ? 'use 1 (fast) to 9 (small), -1 for 6 or -2 for Huffman coding only' : 'leave it out'
  context.addIssue({
    code: 'custom',
    message: `${level} is not a level of ${compression}; ${way}`,
    path: ['compression_params', 'level'],
  })
}

/** Bytes from which on the thread pool compresses, so that the event loop does not stand still for it. */
const POOL_FROM_BYTES = 64 * 1024

const gzip = promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.gzip)
const deflate = promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.deflate)
const zstdCompress = promisify<Uint8Array, zlib.ZstdOptions, Buffer>(zlib.zstdCompress)

export async function compress(bytes: Uint8Array, coding: Coding, level: number): Promise<Uint8Array> {
  if (coding === 'snappy') return inTurns(packSnappy(bytes))
  if (coding === 'x-snappy-framed') return inTurns(packSnappyStream(bytes))
  if (coding === 'lz4') return inTurns(packLz4(bytes))
  // Traces shrink to a sixth or so: one output buffer is mostly enough.
  const chunkSize = Math.max(1024, bytes.length >> 2)
  const pooled = bytes.length >= POOL_FROM_BYTES
  if (coding === 'zstd') {
    const params = { [zlib.constants.ZSTD_c_compressionLevel]: Math.min(Math.max(level, FAST_LEVEL), MOST_ZSTD_LEVEL) }
    // Without its length a frame says that its reader has to keep the level's whole window: 128 MiB at the most.
    const options = { chunkSize, params, pledgedSrcSize: bytes.length }
    return pooled ? zstdCompress(bytes, options) : zlib.zstdCompressSync(bytes, options)
  }
  const isHuffman = level === LEAST_LEVEL
  const options: zlib.ZlibOptions = {
    level: isHuffman ? FAST_LEVEL : level || FAST_LEVEL,
    ...(isHuffman && { strategy: zlib.constants.Z_HUFFMAN_ONLY }),
    chunkSize,
    // The larger tables cost 128 kB while it runs and save a seventh of the time at level 1.
    memLevel: 9,
  }
  if (coding === 'gzip') return pooled ? gzip(bytes, options) : zlib.gzipSync(bytes, options)
  return pooled ? deflate(bytes, options) : zlib.deflateSync(bytes, options)
}

/** With turns for others in between. */
async function inTurns(work: Generator<void, Uint8Array, void>): Promise<Uint8Array> {
  for (;;) {
    const { done, value } = work.next()
    if (done) return value
    await setImmediate()
  }
}
