import { bloomAdd, bloomHas, foldBloom } from '../block/bloom.ts'
import { freeMemory } from '../block/memory.ts'

/** Lets one foreign trace in 300 through, which costs asking the blocks of a group one by one; when it is folded, one in 16. */
const BITS = 12
const PROBES = 6
/** Blocks that are told apart by nothing but their own filters. The fewer, the more groups are asked for a trace, and the fewer blocks of the one that has it. */
const GROUP = 16
/** Traces of a segment beyond which its blocks are asked. */
const MAX_TRACES = 1 << 19

/**
 * Which traces the blocks of a segment have in its log, by groups of blocks, where the writer has told of all of them since this reader listens, or where
 * that was learned from their columns: then these, of which a store may have thousands that wait to be sealed, need not be asked one by one.
 */
export class SegmentTraces {
  /** Of the traces so far; one that is in several blocks comes several times. Undefined: closed, too many, or not all. */
  #hashes: Uint32Array | undefined = new Uint32Array(256)
  #count = 0
  /** Where those of each block end. */
  readonly #ends: number[] = []
  #groups: Uint32Array[] | undefined
  #isFolded = false

  /** Whether of a segment with so many traces, one in several blocks counted as often, something may be kept in so many bytes. */
  static mayKeep(traces: number, maxBytes: number): boolean {
    return traces > 0 && traces <= MAX_TRACES && (traces * BITS) / 16 <= maxBytes
  }

  get bytes(): number {
    return this.#groups?.reduce((bytes, bits) => bytes + bits.byteLength, 0) ?? 0
  }

  /** What {@link fold} would free, in bytes. */
  get bytesToFold(): number {
    return this.#isFolded ? 0 : this.bytes / 2
  }

  /** The traces of one more block, by their hashes. */
  add(traces: Uint32Array): void {
    if (!this.#hashes) return
    const count = this.#count + traces.length
    if (count > MAX_TRACES) {
      this.#hashes = undefined
      return
    }
    if (count > this.#hashes.length) {
      const larger = new Uint32Array(Math.max(2 * this.#hashes.length, count))
      larger.set(this.#hashes)
      freeMemory(this.#hashes)
      this.#hashes = larger
    }
    this.#hashes.set(traces, this.#count)
    this.#count = count
    this.#ends.push(count)
  }

  /** There is a block, or something else in which any trace may be, of which nothing is told. */
  forget(): void {
    this.#hashes = undefined
    this.#groups = undefined
  }

  /** What {@link close} would keep, in bytes, with room for it. */
  get bytesToClose(): number {
    return this.#hashes ? this.#groupSizes().reduce((bytes, traces) => bytes + 4 * wordsOf(traces), 0) : 0
  }

  /** No more blocks will come; of a segment of which none was told nothing is known. `maxBytes`: what may be kept. */
  close(maxBytes: number): void {
    const hashes = this.#hashes
    const bytes = this.bytesToClose
    this.#hashes = undefined
    if (!hashes) return
    if (bytes > 0 && bytes / 2 <= maxBytes) this.#build(hashes)
    freeMemory(hashes)
    if (this.bytes > maxBytes) this.fold()
  }

  #build(hashes: Uint32Array): void {
    const sizes = this.#groupSizes()
    this.#groups = partsOf(sizes.map(wordsOf))
    let from = 0
    for (const [i, bits] of this.#groups.entries())
      for (const end = from + sizes[i]!; from < end; from++) bloomAdd(bits, hashes[from]!, PROBES)
  }

  /** Halves what is kept, once. What has become free, in bytes. */
  fold(): number {
    if (!this.#groups || this.#isFolded) return 0
    const before = this.#groups
    this.#isFolded = true
    this.#groups = partsOf(before.map(({ length }) => length / 2))
    for (const [i, bits] of this.#groups.entries()) foldBloom(before[i]!, bits)
    const freed = before[0]!.buffer.byteLength / 2
    freeMemory(before[0]!)
    return freed
  }

  /** Whether block `at` may have a trace, by the hash of its id; true as well where that is not known. */
  mayHave(hash: number, at: number): boolean {
    const bits = this.#groups?.[Math.floor(at / GROUP)]
    return !bits || bloomHas(bits, hash, PROBES)
  }

  /** Puts those of the segment's `blocks`, which are in the order in which they were told, into `found` that may have it. */
  find<B>(blocks: readonly B[], hash: number, found: B[]): void {
    for (let from = 0; from < blocks.length; from += GROUP) {
      if (!this.mayHave(hash, from)) continue
      for (let at = from; at < blocks.length && at < from + GROUP; at++) found.push(blocks[at]!)
    }
  }

  /** How many traces each group has; one that is in several blocks counts as often. */
  #groupSizes(): number[] {
    const sizes: number[] = []
    for (let first = 0; first < this.#ends.length; first += GROUP) {
      const last = Math.min(first + GROUP, this.#ends.length) - 1
      sizes.push(this.#ends[last]! - (first === 0 ? 0 : this.#ends[first - 1]!))
    }
    return sizes
  }
}

/** Parts of so many words, in memory that is one piece: thousands of small ones leave holes. */
function partsOf(words: readonly number[]): Uint32Array[] {
  const all = new Uint32Array(words.reduce((sum, each) => sum + each, 0))
  let end = 0
  return words.map((each) => all.subarray(end, (end += each)))
}

/** An even number, and not none. */
function wordsOf(traces: number): number {
  return 2 * Math.max(1, Math.ceil((traces * BITS) / 64))
}
