/**
 * The body of an export request: the chunks of a batch, one after the other, in the wanted coding. What the sender
 * compressed is passed on where that is possible.
 */
import type { Chunk, TelemetryBatch } from '@spoor/otlp'
import { joinBytes } from '@spoor/otlp'
import { CollectorError } from '../component/index.ts'
import { compress, type Coding, type Compression, type CompressionParams } from './compression.ts'
import { joinGzip } from './gzip-join.ts'

export interface Payload {
  /** To be written in this order. */
  readonly parts: readonly Uint8Array[]
  /** Sum of the parts, in bytes. */
  readonly length: number
  readonly coding: Coding | undefined
}

/** Uncompressed bytes from which on a chunk is worth keeping as its sender compressed it. */
const KEEP_FROM_BYTES = 16 * 1024

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

async function encodeJoined(chunks: readonly Chunk[], coding: Coding, level: number): Promise<Payload> {
  return payload([await compress(joined(chunks), coding, level)], coding)
}

function payload(parts: readonly Uint8Array[], coding: Payload['coding']): Payload {
  return { parts, length: parts.reduce((sum, part) => sum + part.length, 0), coding }
}
