import { compareRanges, hashRange } from './bytes.ts'

/**
 * Gives each distinct byte range of one buffer a small number, and decodes it once. A trace of 100,000 spans has some
 * dozens of names: decoding each span's own would cost more than all else that is done to it.
 */
export interface Interner {
  /** The index of the text in {@link Interner.texts}. `empty` stands for a range without bytes. */
  intern(start: number, end: number): number
  readonly texts: string[]
}

/**
 * Texts beyond `limit` share one last entry, `(more)`, so that indexes fit their typed array. `empty` is the text of an
 * empty range.
 */
export function createInterner(bytes: Uint8Array, options: { empty?: string; limit?: number } = {}): Interner {
  const { empty = '', limit = 2 ** 32 } = options
  const decoder = new TextDecoder()
  const texts: string[] = []
  const starts: number[] = []
  const ends: number[] = []
  let mask = 63
  let table = new Int32Array(64).fill(-1)
  let overflow = -1

  function grow(): void {
    mask = table.length * 2 - 1
    table = new Int32Array(mask + 1).fill(-1)
    for (let index = 0; index < texts.length; index++) {
      let slot = hashRange(bytes, starts[index]!, ends[index]!) & mask
      while (table[slot] !== -1) slot = (slot + 1) & mask
      table[slot] = index
    }
  }

  return {
    texts,
    intern(start, end) {
      let slot = hashRange(bytes, start, end) & mask
      for (let index = table[slot]!; index !== -1; index = table[slot]!) {
        if (compareRanges(bytes, start, end, starts[index]!, ends[index]!) === 0) return index
        slot = (slot + 1) & mask
      }
      if (texts.length >= limit - 1) {
        if (overflow === -1) overflow = texts.push('(more)') - 1
        return overflow
      }
      const index = texts.length
      texts.push(start === end ? empty : decoder.decode(bytes.subarray(start, end)))
      starts.push(start)
      ends.push(end)
      table[slot] = index
      if (texts.length * 2 > table.length) grow()
      return index
    },
  }
}
