/** Large amounts of bytes on a thread that serves others: moved a bit at a time, and freed as soon as they are done with. */
import { setImmediate } from 'node:timers/promises'

/** Bytes that are copied, or gone through, without a turn for other work: 2 to 3 ms where the memory is new. */
export const SLICE_BYTES = 4 * 1024 * 1024

/**
 * The first `length` bytes of the pieces as one, in a buffer that holds nothing else; a promise of them where there are more than
 * {@link SLICE_BYTES}. The pieces are the callee's: each is freed when it has been copied, so that hardly more memory is
 * taken than the bytes need once.
 */
export function gather(pieces: Buffer[], length: number): Uint8Array | Promise<Uint8Array> {
  const whole = Buffer.allocUnsafeSlow(length)
  if (length > SLICE_BYTES) return gatherSlowly(pieces, whole)
  let at = 0
  for (const piece of pieces) at = moveTo(whole, at, piece)
  return whole
}

async function gatherSlowly(pieces: Buffer[], whole: Buffer): Promise<Uint8Array> {
  let at = 0
  let turnAt = SLICE_BYTES
  for (let i = 0; i < pieces.length; i++) {
    at = moveTo(whole, at, pieces[i]!)
    if (at < turnAt) continue
    turnAt = at + SLICE_BYTES
    await setImmediate()
  }
  return whole
}

function moveTo(whole: Buffer, at: number, piece: Buffer): number {
  const end = Math.min(at + piece.length, whole.length)
  whole.set(piece.subarray(0, end - at), at)
  freeBytes(piece)
  return end
}

/**
 * Frees the memory of bytes that nobody reads any more, at once; they have length 0 afterwards. Does nothing where they
 * are a part of a larger buffer, which others may read.
 */
export function freeBytes(bytes: Uint8Array): void {
  if (bytes.byteLength > 0 && bytes.buffer.byteLength === bytes.byteLength) free(bytes.buffer)
}

/** The same for a body, whose buffer is nobody else's and may be larger than it. */
export function freeBody(body: Uint8Array): void {
  if (ownsBuffer(body)) free(body.buffer)
}

/** Whether the buffer of a body can be given away with it: a small one may be that which Node shares out. */
export function ownsBuffer({ buffer }: Uint8Array): boolean {
  return buffer.byteLength > Buffer.poolSize
}

function free(buffer: ArrayBufferLike): void {
  if (buffer instanceof ArrayBuffer) buffer.transfer(0)
}
