/**
 * The memory of large bodies, which is given back to the system as soon as they are done with.
 *
 * What is smaller than {@link MAPPED_BYTES} comes out of one heap of the C library: freed, it stays with the process for as long
 * as anything behind it is in use, and bodies of all sizes leave holes in it that the next one does not fit. What is larger the
 * library maps by itself, and unmaps when it is freed; pages of it that nobody has written to take no memory.
 */

/** glibc never moves its limit beyond this: mallopt(3), DEFAULT_MMAP_THRESHOLD_MAX, and a page for the block's header. */
const MAPPED_BYTES = 32 * 1024 * 1024 + 4096

/** How much of a mapped buffer is used: the part of it that takes memory. Bytes. */
export interface Usage {
  bytes: number
}

/** Mapped buffers, as long as there are any. */
const mapped = new Map<WeakRef<ArrayBuffer>, Usage>()

/** A buffer of `bytes` or more that is mapped by itself; what is in it is not defined. Whoever writes to it keeps its usage. */
export function allocateMapped(bytes: number): { readonly buffer: Buffer; readonly usage: Usage } {
  const buffer = Buffer.allocUnsafeSlow(Math.max(bytes, MAPPED_BYTES))
  const usage = { bytes: 0 }
  mapped.set(new WeakRef(buffer.buffer), usage)
  return { buffer, usage }
}

/** The same for a body that another thread has handed over, in a buffer that is mapped or not. */
export function adoptBody({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength >= MAPPED_BYTES) {
    mapped.set(new WeakRef(buffer), { bytes: byteLength })
  }
}

/** Bytes that V8 counts though they take no memory: what is not used of the mapped buffers of this thread. */
export function unusedBytes(): number {
  let unused = 0
  for (const [reference, usage] of mapped) {
    // One that was freed, or moved to another thread, has length 0.
    const bytes = reference.deref()?.byteLength ?? 0
    if (bytes === 0) mapped.delete(reference)
    else unused += bytes - usage.bytes
  }
  return unused
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
