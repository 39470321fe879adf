/**
 * The body of an export request: the chunks of a batch, one after the other, in the wanted coding. What the sender
 * compressed is passed on where that is possible.
 */
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import type { Chunk, TelemetryBatch } from '@spoor/otlp'
import { joinBytes } from '@spoor/otlp'
import { z } from 'zod'
import { CollectorError, section } from '../component/index.ts'
import { joinGzip } from './gzip-join.ts'

export type Compression = 'none' | 'gzip' | 'zstd'

export const compressionParams = section({
  level: z
    .int()
    .min(1)
    .max(9)
    .default(1)
    .describe(
      '1 (fast) to 9 (small), for what has to be compressed here. What came compressed with gzip keeps its level.',
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

/** Uncompressed bytes from which on a chunk is worth keeping as its sender compressed it. */
const KEEP_FROM_BYTES = 16 * 1024

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
  const plain = payload(
    chunks.map((chunk) => chunk.bytes),
    undefined,
  )
  // An empty message would be taken, and nobody would miss the rest.
  if (plain.length !== batch.byteLength)
    throw new CollectorError('internal', 'the memory of a batch was freed before it was sent')
  if (compression === 'none') return plain
  if (compression === 'gzip') return encodeGzip(chunks, params.level)
  return encodeJoined(chunks, compression, params.level)
}

/**
 * What the senders compressed is joined as it is, which costs a third of compressing it again; the rest, and chunks too small to shrink
 * well alone, are compressed together. The outcome is one member either way, which every peer reads.
 */
async function encodeGzip(chunks: readonly Chunk[], level: number): Promise<Payload> {
  if (chunks.length === 1 && chunks[0]!.compressed) return payload([chunks[0]!.compressed.bytes], 'gzip')
  if (!chunks.some(keepsItsForm)) return encodeJoined(chunks, 'gzip', level)
  const members: Promise<Uint8Array>[] = []
  for (let i = 0; i < chunks.length;) {
    const from = i
    while (i < chunks.length && !keepsItsForm(chunks[i]!)) i++
    if (i > from) members.push(compress(joined(chunks.slice(from, i)), 'gzip', level))
    if (i < chunks.length) members.push(Promise.resolve(chunks[i++]!.compressed!.bytes))
  }
  const parts = await Promise.all(members)
  try {
    return payload([joinGzip(parts)], 'gzip')
  } catch (error) {
    // A form of gzip that cannot be joined. The plain bytes are there all the same.
    if (error instanceof RangeError) return encodeJoined(chunks, 'gzip', level)
    throw error
  }
}

function keepsItsForm(chunk: Chunk): boolean {
  return chunk.compressed !== undefined && chunk.bytes.length >= KEEP_FROM_BYTES
}

function joined(chunks: readonly Chunk[]): Uint8Array {
  return chunks.length === 1 ? chunks[0]!.bytes : joinBytes(chunks.map((chunk) => chunk.bytes))
}

async function encodeJoined(chunks: readonly Chunk[], coding: 'gzip' | 'zstd', level: number): Promise<Payload> {
  return payload([await compress(joined(chunks), coding, level)], coding)
}

async function compress(bytes: Uint8Array, coding: 'gzip' | 'zstd', level: number): Promise<Uint8Array> {
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
