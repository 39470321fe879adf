import { compress } from '../files/log.ts'

/** A batch that waits to be durable: its bytes in the slab that main filled. */
export interface Pending {
  readonly id: number
  readonly start: number
  readonly end: number
  readonly slab: Slab
}

/** Goes back to main when its last batch is answered. */
export interface Slab {
  readonly buffer: ArrayBuffer
  readonly bytes: Uint8Array
  waiting: number
}

/** The batches' bytes in frames of about `frameBytes` raw bytes, compressed. Batches that lie end to end are not copied. */
export function framesOf(batches: readonly Pending[], frameBytes: number): { rawLength: number; bytes: Buffer }[] {
  const frames: { rawLength: number; bytes: Buffer }[] = []
  let i = 0
  while (i < batches.length) {
    const parts: Uint8Array[] = []
    let rawLength = 0
    do {
      const { slab, start } = batches[i]!
      let { end } = batches[i]!
      while (++i < batches.length && rawLength + end - start < frameBytes) {
        const next = batches[i]!
        if (next.slab !== slab || next.start !== end) break
        end = next.end
      }
      parts.push(slab.bytes.subarray(start, end))
      rawLength += end - start
    } while (i < batches.length && rawLength < frameBytes)
    const raw = parts.length === 1 ? parts[0]! : Buffer.concat(parts)
    frames.push({ rawLength, bytes: compress(raw) })
  }
  return frames
}
