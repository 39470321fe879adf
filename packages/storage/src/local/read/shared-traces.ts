import { StorageError } from '../../contract.ts'
import { hashWords } from '../block/hash.ts'
import type { Block } from './block.ts'
import { SEED } from './trace-ids.ts'
import { Vanished, type Turn } from './turn.ts'

/** Of a place in the table, which is at most {@link MAX_LOAD} full. */
const PLACE_BYTES = 6
const MAX_LOAD = 2 / 3
const INITIAL = 1 << 12
/** Blocks that are told apart, gone ones too, until all are forgotten. */
const MAX_NUMBER = 2 ** 16 - 1
/** Blocks that have a trace of the same one, at most: where they are more, whatever comes changes nearly all that was known. */
const MAX_NEIGHBOURS = 256
/** What a trace costs, in units of {@link Turn.work}. */
const TRACE_UNITS = 100

/** What is known of a block. */
interface Known {
  readonly number: number
  readonly traces: number
  readonly neighbours: Set<Block>
}

/**
 * Which blocks have traces in common, so that all that there is of the traces of a block is known to be in it and in its neighbours. Each trace of each block is in one table, by a hash of 32 bits: 9 to 18
 * bytes. Two traces of the same hash make neighbours of blocks that are none, and no others of some that are.
 */
export class SharedTraces {
  /** Somebody would have all blocks known to it, and has not waited for that. */
  isWanted = false
  readonly #maxBytes: number
  readonly #known = new Map<Block, Known>()
  /** By number; those that are gone are undefined. */
  #blocks: (Block | undefined)[] = [undefined]
  #hashes = new Int32Array(1)
  /** Numbers of blocks; 0: the place is free. */
  #owners = new Uint16Array(1)
  /** Places that are taken, and those of them that belong to blocks that are gone. */
  #taken = 0
  #stale = 0

  /** `maxBytes`: of the table. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get bytes(): number {
    return PLACE_BYTES * this.#owners.length
  }

  /** Learns of all blocks that there are, but those that grow. False when it does not know all of them: the turn ended, one cannot be read, or there is no room. */
  async learn(blocks: readonly Block[], turn: Turn): Promise<boolean> {
    this.#forgetAllBut(blocks)
    for (const block of blocks) {
      if (!this.#isUnknown(block)) continue
      if (await turn.breathe()) return false
      if (!this.#mayAdd(block, turn)) return false
    }
    // Another question may have been told meanwhile that some have gone.
    return !blocks.some((block) => this.#isUnknown(block))
  }

  /** Learns of one more, the newest first. False: there is none, or it cannot be known, and it is not {@link isWanted} any more. */
  learnOne(blocks: readonly Block[], turn: Turn): boolean {
    this.#forgetAllBut(blocks)
    const next = blocks.findLast((block) => this.#isUnknown(block))
    this.isWanted = next !== undefined && this.#mayAdd(next, turn)
    return this.isWanted
  }

  #isUnknown(block: Block): boolean {
    return !block.growsIn && block.spans > 0 && !this.#known.has(block)
  }

  /** Whether {@link neighbours} are known of it. */
  knows(block: Block): boolean {
    return this.#known.has(block)
  }

  /** The blocks that may have a trace of this one, which {@link learn} has met. */
  neighbours(block: Block): ReadonlySet<Block> {
    return this.#known.get(block)!.neighbours
  }

  /** The same of one that it has not. */
  neighboursOf(block: Block, turn: Turn): ReadonlySet<Block> {
    const { traceIds, traceCount } = block.rows()
    turn.work(TRACE_UNITS * traceCount)
    const found = new Set<Block>()
    for (let trace = 0; trace < traceCount; trace++) this.#find(hashOf(traceIds, 4 * trace), found)
    return found
  }

  /** What cannot be read may be of no concern to who asks: who needs it meets the same, and says so. */
  #mayAdd(block: Block, turn: Turn): boolean {
    try {
      return this.#add(block, turn)
    } catch (error) {
      if (error instanceof StorageError || error instanceof Vanished) return false
      throw error
    }
  }

  #add(block: Block, turn: Turn): boolean {
    const { traceIds, traceCount } = block.extents?.() ?? block.rows()
    turn.work(TRACE_UNITS * traceCount)
    if (this.#blocks.length > MAX_NUMBER) this.#clear()
    else if (this.#makeRoom(traceCount)) return this.#addTraces(block, traceIds, traceCount)
    return false
  }

  #addTraces(block: Block, traceIds: Uint32Array, traceCount: number): boolean {
    const neighbours = new Set<Block>()
    for (let trace = 0; trace < traceCount; trace++) {
      this.#find(hashOf(traceIds, 4 * trace), neighbours)
      if (neighbours.size > MAX_NEIGHBOURS) return false
    }
    for (const other of neighbours) if (this.neighbours(other).size >= MAX_NEIGHBOURS) return false
    const number = this.#blocks.push(block) - 1
    for (let trace = 0; trace < traceCount; trace++) this.#put(hashOf(traceIds, 4 * trace), number)
    this.#taken += traceCount
    this.#known.set(block, { number, traces: traceCount, neighbours })
    for (const other of neighbours) this.#known.get(other)!.neighbours.add(block)
    return true
  }

  #find(hash: number, found: Set<Block>): void {
    const owners = this.#owners
    const mask = owners.length - 1
    for (let at = hash & mask; owners[at] !== 0; at = (at + 1) & mask) {
      if (this.#hashes[at] !== hash) continue
      const other = this.#blocks[owners[at]!]
      if (other) found.add(other)
    }
  }

  #put(hash: number, number: number): void {
    const mask = this.#owners.length - 1
    let at = hash & mask
    while (this.#owners[at] !== 0) at = (at + 1) & mask
    this.#hashes[at] = hash
    this.#owners[at] = number
  }

  /** For so many more. False when there is none. */
  #makeRoom(traces: number): boolean {
    const before = this.#owners.length
    if (this.#taken + traces <= MAX_LOAD * before) return true
    let places = Math.max(INITIAL, before)
    const live = this.#taken - this.#stale + traces
    while (live > MAX_LOAD * places) places *= 2
    // Where little would become free, all would have to be put anew all the time.
    if (places === before && this.#stale < before / 8 && 2 * this.bytes <= this.#maxBytes) places *= 2
    if (PLACE_BYTES * places > this.#maxBytes) return false
    const [hashes, owners] = [this.#hashes, this.#owners]
    this.#hashes = new Int32Array(places)
    this.#owners = new Uint16Array(places)
    for (let at = 0; at < owners.length; at++)
      if (owners[at] !== 0 && this.#blocks[owners[at]!]) this.#put(hashes[at]!, owners[at]!)
    this.#taken -= this.#stale
    this.#stale = 0
    return true
  }

  #forgetAllBut(blocks: readonly Block[]): void {
    const there = new Set(blocks)
    for (const [block, { number, traces, neighbours }] of this.#known) {
      if (there.has(block)) continue
      this.#known.delete(block)
      this.#blocks[number] = undefined
      this.#stale += traces
      for (const other of neighbours) this.#known.get(other)?.neighbours.delete(block)
    }
  }

  #clear(): void {
    this.#known.clear()
    this.#blocks = [undefined]
    this.#hashes = new Int32Array(1)
    this.#owners = new Uint16Array(1)
    this.#taken = this.#stale = 0
  }
}

function hashOf(ids: Uint32Array, at: number): number {
  return hashWords(ids[at]! ^ SEED, ids[at + 1]!, ids[at + 2]!, ids[at + 3]!)
}
