/**
 * Bloom filters over 32-bit hashes, sized to what they hold. A filter is its bits and nothing else: the number of probes is
 * fixed by who uses it.
 */
export function createBloom(entries: number, bitsPerEntry: number): Uint32Array {
  return new Uint32Array(Math.max(1, Math.ceil((entries * bitsPerEntry) / 32)))
}

export function bloomAdd(bloom: Uint32Array, hash: number, probes: number): void {
  const bits = bloom.length * 32
  const step = stepOf(hash)
  let x = firstOf(hash)
  for (let k = 0; k < probes; k++) {
    const bit = bitOf(x, bits)
    bloom[bit >>> 5]! |= 1 << (bit & 31)
    x = (x + step) | 0
  }
}

export function bloomHas(bloom: Uint32Array, hash: number, probes: number): boolean {
  const bits = bloom.length * 32
  const step = stepOf(hash)
  let x = firstOf(hash)
  for (let k = 0; k < probes; k++) {
    const bit = bitOf(x, bits)
    if (!(bloom[bit >>> 5]! & (1 << (bit & 31)))) return false
    x = (x + step) | 0
  }
  return true
}

/** The same of a filter of `words` words that are read one by one, which most often ends with the second. */
export function bloomHasIn(words: number, read: (word: number) => number, hash: number, probes: number): boolean {
  const bits = words * 32
  const step = stepOf(hash)
  let x = firstOf(hash)
  for (let k = 0; k < probes; k++) {
    const bit = bitOf(x, bits)
    if (!(read(bit >>> 5) & (1 << (bit & 31)))) return false
    x = (x + step) | 0
  }
  return true
}

/** Where the probes of a hash begin, and how far apart they are, in a circle of 2^32. */
function firstOf(hash: number): number {
  return Math.imul(hash ^ (hash >>> 16), 0xc2b2ae35)
}

function stepOf(hash: number): number {
  return Math.imul(hash, 0x85ebca6b) | 1
}

/** The bit at a place in the circle. */
function bitOf(place: number, bits: number): number {
  return Math.floor(((place >>> 0) / 4294967296) * bits)
}

/** The same filter in half of its bits, each of which stands for two; of an even number of words. It has all that it had, and lets more through. `folded`: half as long. */
export function foldBloom(bloom: Uint32Array, folded: Uint32Array): void {
  for (let at = 0; at < folded.length; at++) folded[at] = halved(bloom[2 * at]!) | (halved(bloom[2 * at + 1]!) << 16)
}

/** Bit k of the result: bit 2k or 2k + 1 of the word. */
function halved(word: number): number {
  let pairs = (word | (word >>> 1)) & 0x55555555
  pairs = (pairs | (pairs >>> 1)) & 0x33333333
  pairs = (pairs | (pairs >>> 2)) & 0x0f0f0f0f
  pairs = (pairs | (pairs >>> 4)) & 0x00ff00ff
  return (pairs | (pairs >>> 8)) & 0xffff
}

/** Trace ids: 24 bits an id and 12 probes let one foreign block in 80,000 through; each costs the reading of a block. */
export const TRACE_BITS = 24
export const TRACE_PROBES = 12
/** Of blocks that were written with 16 bits an id: one in 1,700. */
export const EARLY_TRACE_PROBES = 8
/** Attributes: 14 bits and 7 probes let one foreign block in 700 through; each costs the reading of all its spans, some 10 ms. */
export const ATTRIBUTE_BITS = 14
export const ATTRIBUTE_PROBES = 7
/** Distinct keys and key=value pairs of one block beyond which it has no attribute filter and is always looked into. */
export const MAX_BLOCK_HASHES = 1 << 17
