/**
 * Whose memory a chunk's bytes are. V8 leaves buffers outside of its heap for long, and collecting them costs more than a request
 * does; who is the last to have a batch can free its memory at once instead, or move it to another thread.
 *
 *     whoever receives   ownMemory     nobody else has these bytes: whoever gets the chunk gets their memory with it
 *     … for the last     giveMemory    nobody will read them again, taken or not: the last stage may move them away before it answers
 *     a fan-out, …       shareMemory   several have them now, or will: it is left to V8
 *     the last stage     freeMemory    done for good with a batch that it has taken: what is owned is free, its bytes have length 0
 *                        takeMemory    the buffer of a batch that was given
 *
 * A stage that knows nothing of this is safe: what nobody frees is garbage as ever. A new chunk, also one that was cut out of another,
 * is not owned.
 */
import type { Chunk, TelemetryBatch } from './batch.ts'

type Batch = Pick<TelemetryBatch, 'chunks'>

const owned = new WeakSet<Chunk>()
const given = new WeakSet<Chunk>()

/** The chunk's bytes, and their compressed form, must be in memory of their own, which nobody else will read. */
export function ownMemory(chunk: Chunk): void {
  owned.add(chunk)
}

/** The same, and whoever calls it must not read them again, nor hand the chunk on once more when it is refused. */
export function giveMemory(chunk: Chunk): void {
  owned.add(chunk)
  given.add(chunk)
}

/** For good. */
export function shareMemory({ chunks }: Batch): void {
  for (const chunk of chunks) {
    owned.delete(chunk)
    given.delete(chunk)
  }
}

/** Nobody may read the batch afterwards, nor the system: writes of its bytes must be over. */
export function freeMemory({ chunks }: Batch): void {
  for (const chunk of chunks) {
    if (!owned.delete(chunk)) continue
    detach(chunk.bytes)
    if (chunk.compressed) detach(chunk.compressed.bytes)
  }
}

/**
 * The buffer that the bytes of the whole batch begin, and that the caller has from now on; there may be more in it behind them.
 * Undefined, and nothing has changed, where the batch was not given, or is not the beginning of one buffer.
 */
export function takeMemory({ chunks }: Batch): ArrayBuffer | undefined {
  const [only, ...others] = chunks
  if (!only || others.length > 0 || only.bytes.byteOffset > 0 || !(only.bytes.buffer instanceof ArrayBuffer))
    return undefined
  if (!given.delete(only)) return undefined
  return only.bytes.buffer
}

function detach({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && !buffer.detached) buffer.transfer(0)
}
