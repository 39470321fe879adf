/**
 * Bloom filters over 32-bit hashes, sized to what they hold. A filter is its bits and nothing else: the number of probes is
 * fixed by who uses it.
 */
export function createBloom(entries: number, bitsPerEntry: number): Uint32Array {
  return new Uint32Array(Math.max(1, Math.ceil((entries * bitsPerEntry) / 32)))
}

export function bloomAdd(bloom: Uint32Array, hash: number, probes: number): void {
  const bits = bloom.length * 32
  const step = Math.imul(hash, 0x85ebca6b) | 1
  let x = Math.imul(hash ^ (hash >>> 16), 0xc2b2ae35)
  for (let k = 0; k < probes; k++) {
    const bit = Math.floor(((x >>> 0) / 4294967296) * bits)
    bloom[bit >>> 5]! |= 1 << (bit & 31)
    x = (x + step) | 0
  }
}

export function bloomHas(bloom: Uint32Array, hash: number, probes: number): boolean {
  const bits = bloom.length * 32
  const step = Math.imul(hash, 0x85ebca6b) | 1
  let x = Math.imul(hash ^ (hash >>> 16), 0xc2b2ae35)
  for (let k = 0; k < probes; k++) {
    const bit = Math.floor(((x >>> 0) / 4294967296) * bits)
    if (!(bloom[bit >>> 5]! & (1 << (bit & 31)))) return false
    x = (x + step) | 0
  }
  return true
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
