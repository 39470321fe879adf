/** Trace ids as four words of 32 bits each, in the byte order of this machine. */

/** The words of ids that lie one after the other, 16 bytes each. */
export function wordsOf(ids: Uint8Array): Uint32Array {
  const aligned = ids.byteOffset % 4 === 0 ? ids : ids.slice()
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length >>> 2)
}

export function bytesOf(words: Uint32Array, at: number): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset + 4 * at, 16)
}

export function isSameId(a: Uint32Array, i: number, b: Uint32Array, j: number): boolean {
  return a[i] === b[j] && a[i + 1] === b[j + 1] && a[i + 2] === b[j + 2] && a[i + 3] === b[j + 3]
}

/** Of an id that may be anything: somebody who chooses ids must not fill one slot of a table with all of them. */
export function hashOf(words: Uint32Array, at: number): number {
  let hash = SEED
  for (let i = at; i < at + 4; i++) {
    hash = Math.imul(hash ^ words[i]!, 0x85ebca6b)
    hash ^= hash >>> 13
    hash = Math.imul(hash, 0xc2b2ae35)
    hash ^= hash >>> 16
  }
  return hash >>> 0
}

const SEED = Math.trunc(Math.random() * 2 ** 32)
