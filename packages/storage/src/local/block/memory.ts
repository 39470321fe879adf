/**
 * Gives back the memory of bytes that nobody reads any more at once, instead of when V8 gets to it. All views of it have length 0 afterwards. What is
 * small may be a part of what Node shares out, and is left alone.
 */
export function freeMemory({ buffer }: ArrayBufferView): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength > Buffer.poolSize) buffer.transfer(0)
}
