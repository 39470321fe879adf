/**
 * Whose memory a chunk's bytes are. V8 leaves buffers outside of its heap for long, and collecting them costs more than a request
 * does; who is the last to have a batch can free its memory at once instead.
 *
 *     whoever receives   ownMemory     nobody else has these bytes: whoever gets the chunk gets their memory with it
 *     a fan-out, …       shareMemory   several have them now, or will: it is left to V8
 *     the last stage     freeMemory    done for good with a batch that it has taken: what is owned is free, its bytes have length 0
 *
 * A stage that knows nothing of this is safe: what nobody frees is garbage as ever. A new chunk, also one that was cut out of another,
 * is not owned.
 */
import type { Chunk, TelemetryBatch } from './batch.ts'

const owned = new WeakSet<Chunk>()

/** The chunk's bytes, and their compressed form, must be in memory of their own, which nobody else will read. */
export function ownMemory(chunk: Chunk): void {
  owned.add(chunk)
}

/** For good. */
export function shareMemory({ chunks }: Pick<TelemetryBatch, 'chunks'>): void {
  for (const chunk of chunks) owned.delete(chunk)
}

/** Nobody may read the batch afterwards, nor the system: writes of its bytes must be over. */
export function freeMemory({ chunks }: Pick<TelemetryBatch, 'chunks'>): void {
  for (const chunk of chunks) {
    if (!owned.delete(chunk)) continue
    detach(chunk.bytes)
    if (chunk.compressed) detach(chunk.compressed.bytes)
  }
}

function detach({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer) buffer.transfer(0)
}
