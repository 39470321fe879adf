/**
 * The body of an export request: the chunks of a batch, one after the other, in the wanted coding. What the sender
 * compressed is passed on where that is possible.
 */
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import type { Chunk, TelemetryBatch } from '@spoor/otlp'
import { joinBytes } from '@spoor/otlp'
import { z } from 'zod'
import { section } from '../component/index.ts'

export type Compression = 'none' | 'gzip' | 'zstd'

export const compressionParams = section({
  level: z.int().min(1).max(9).default(1).describe('1 (fast) to 9 (small).'),
  join: z
    .enum(['recompress', 'members'])
    .default('recompress')
    .describe(
      "What becomes of a batch of several compressed chunks. `recompress`: joined and compressed once; every peer reads that. `members`: the senders' gzip members, unchanged, behind each other, which costs nothing. Only for peers that are known to read all members: Go, Java and Node do; Rust's flate2 stops silently after the first, and gRPC's C core refuses. An extension.",
    ),
})

export type CompressionParams = z.infer<typeof compressionParams>

export interface Payload {
  /** To be written in this order. */
  readonly parts: readonly Uint8Array[]
  /** Sum of the parts, in bytes. */
  readonly length: number
  readonly coding: 'gzip' | 'zstd' | undefined
}

/** Bytes from which on the thread pool compresses, so that the event loop does not stand still for it. */
const POOL_FROM_BYTES = 64 * 1024

const gzip = promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.gzip)
const zstdCompress = promisify<Uint8Array, zlib.ZstdOptions, Buffer>(zlib.zstdCompress)

export function encodePayload(
  batch: TelemetryBatch,
  compression: Compression,
  params: CompressionParams,
): Payload | Promise<Payload> {
  const { chunks } = batch
  if (compression === 'none')
    return payload(
      chunks.map((chunk) => chunk.bytes),
      undefined,
    )
  const [first] = chunks
  if (compression === 'gzip') {
    if (chunks.length === 1 && first?.compressed?.coding === 'gzip') return payload([first.compressed.bytes], 'gzip')
    if (params.join === 'members') return encodeMembers(chunks, params.level)
  }
  return encodeJoined(chunks, compression, params.level)
}

async function encodeMembers(chunks: readonly Chunk[], level: number): Promise<Payload> {
  const members = chunks.map(async (chunk) =>
    chunk.compressed?.coding === 'gzip' ? chunk.compressed.bytes : compress(chunk.bytes, 'gzip', level),
  )
  return payload(await Promise.all(members), 'gzip')
}

async function encodeJoined(chunks: readonly Chunk[], coding: 'gzip' | 'zstd', level: number): Promise<Payload> {
  const bytes = chunks.length === 1 ? chunks[0]!.bytes : joinBytes(chunks.map((chunk) => chunk.bytes))
  return payload([await compress(bytes, coding, level)], coding)
}

function compress(bytes: Uint8Array, coding: 'gzip' | 'zstd', level: number): Uint8Array | Promise<Uint8Array> {
  // Traces shrink to a sixth or so: one output buffer is mostly enough.
  const chunkSize = Math.max(1024, bytes.length >> 2)
  const pooled = bytes.length >= POOL_FROM_BYTES
  if (coding === 'gzip') {
    // The larger tables cost 128 kB while it runs and save a seventh of the time at level 1.
    const options = { level, chunkSize, memLevel: 9 }
    return pooled ? gzip(bytes, options) : zlib.gzipSync(bytes, options)
  }
  const options = { chunkSize, params: { [zlib.constants.ZSTD_c_compressionLevel]: level } }
  return pooled ? zstdCompress(bytes, options) : zlib.zstdCompressSync(bytes, options)
}

function payload(parts: readonly Uint8Array[], coding: Payload['coding']): Payload {
  return { parts, length: parts.reduce((sum, part) => sum + part.length, 0), coding }
}
