import type { Block } from './block.ts'
import { ByteCache, Slot } from './byte-cache.ts'
import { SharedTraces } from './shared-traces.ts'

/** What a question has of one block, in its own form. */
interface Kept {
  readonly slot: Slot
  /** Blocks that have spans of this one, too, which are not in it: without one of them it is another. */
  readonly needs: readonly Block[]
}

/** Of a part beside what its question says of it: the slot, and its place in the table. */
const PART_BYTES = 250
/** Of 1.4 million traces. */
const MAX_SHARED_BYTES = 12 << 20

/**
 * What whole blocks come to in the answers to questions, kept by block and shape of the question, in a bounded number of bytes: blocks do not change, so that who asks again, or of later
 * times as well, has only those counted that have come meanwhile.
 *
 * A span that was sent twice has to count once, over all blocks. So blocks have an order, that in which they were first met, and a part has what the block has of spans that are in no block before
 * it. What comes later changes no part; what goes takes those parts with it that have left something to it.
 */
export class KeptParts {
  readonly #cache: ByteCache
  readonly #numbers = new WeakMap<Block, number>()
  #parts = new Map<Block, Map<string, Kept>>()
  #next = 0
  /** How often blocks have gone. */
  age = 0
  readonly shared: SharedTraces

  /** `maxBytes`: of the parts, without which nothing is known; `maxSharedBytes`: of {@link SharedTraces}, at most 12 MiB. */
  constructor(maxBytes: number, maxSharedBytes = MAX_SHARED_BYTES) {
    this.#cache = new ByteCache(maxBytes)
    this.shared = new SharedTraces(maxBytes > 0 ? Math.min(MAX_SHARED_BYTES, maxSharedBytes) : 0)
  }

  /** Begins a question. `blocks`: all that there are, as they are now. */
  begin(blocks: readonly Block[]): KeptView {
    const left = this.#parts
    this.#parts = new Map()
    for (const block of blocks) {
      if (block.growsIn) continue
      if (!left.has(block)) this.#numbers.set(block, this.#next++)
      this.#parts.set(block, left.get(block) ?? new Map<string, Kept>())
      left.delete(block)
    }
    if (left.size > 0) this.#forget(left)
    const rank = (block: Block): number => this.#numbers.get(block) ?? Infinity
    const order = blocks.map((block, place) => ({ block, place, rank: block.growsIn ? Infinity : rank(block) }))
    order.sort((a, b) => (a.rank === b.rank ? a.place - b.place : a.rank < b.rank ? -1 : 1))
    return new KeptView(
      this,
      order.map(({ block }) => block),
    )
  }

  find(block: Block, key: string): unknown {
    const slot = this.#parts.get(block)?.get(key)?.slot
    return slot && slot.bytes > 0 ? this.#cache.get(slot, noLoad, noBytes) : undefined
  }

  keep(block: Block, key: string, part: unknown, bytes: number, needs: readonly Block[]): void {
    const parts = this.#parts.get(block)
    if (!parts || needs.some((need) => !this.#parts.has(need))) return
    const before = parts.get(key)
    if (before) this.#cache.empty(before.slot)
    const slot: Slot = before?.slot ?? new Slot(() => void (parts.get(key)?.slot === slot && parts.delete(key)))
    parts.set(key, { slot, needs })
    this.#cache.get(
      slot,
      () => part,
      () => bytes + PART_BYTES,
    )
    if (slot.bytes === 0) parts.delete(key)
  }

  #forget(gone: ReadonlyMap<Block, ReadonlyMap<string, Kept>>): void {
    this.age++
    for (const [block, parts] of gone) {
      this.#numbers.delete(block)
      for (const { slot } of parts.values()) this.#cache.empty(slot)
    }
    for (const parts of this.#parts.values()) {
      for (const [key, { slot, needs }] of parts) {
        if (!needs.some((need) => gone.has(need))) continue
        this.#cache.empty(slot)
        parts.delete(key)
      }
    }
  }
}

function noLoad(): never {
  throw new Error('a part that is kept is not there')
}

function noBytes(): number {
  return 0
}

/** What is kept, for one question: until it ends all blocks are there that were when it began, though others may have heard that one has gone. */
export class KeptView {
  /** All blocks in their order; those that go on growing at last. */
  readonly blocks: readonly Block[]
  readonly #parts: KeptParts
  readonly #age: number

  constructor(parts: KeptParts, blocks: readonly Block[]) {
    this.#parts = parts
    this.#age = parts.age
    this.blocks = blocks
  }

  find(block: Block, key: string): unknown {
    return this.#age === this.#parts.age ? this.#parts.find(block, key) : undefined
  }

  keep(block: Block, key: string, part: unknown, bytes: number, needs: readonly Block[]): void {
    if (this.#age === this.#parts.age && !block.growsIn) this.#parts.keep(block, key, part, bytes, needs)
  }

  /** The blocks before this one that have spans of its time: no other has one of its spans. */
  before(block: Block): Block[] {
    const { minStart, maxStart } = block
    const before: Block[] = []
    for (const other of this.blocks) {
      if (other === block) break
      if (other.spans > 0 && other.maxStart >= minStart && other.minStart <= maxStart) before.push(other)
    }
    return before
  }
}
