import { isFilterOfHeaders } from '../../../header-filter.ts'
import type { BlockRows } from '../../block/rows.ts'
import type { Block } from '../block.ts'
import type { KeptParts, KeptView } from '../kept-parts.ts'
import { mayMatch } from '../filter/condition.ts'
import { matchesIn, type Matches } from '../matches.ts'
import { isInside, meets, type Range } from '../range.ts'
import type { CompiledSet, Leaf } from '../set/compile.ts'
import { coverOf, type Source } from '../set/sources.ts'
import type { PartCount, TakeRows } from '../trace-sweep.ts'
import type { Turn } from '../turn.ts'
import type { ScopePlan } from './plan.ts'
import type { SectionCounts } from './section-counts.ts'
import { SpanTwins } from './span-twins.ts'
import { isCheaper, removeTwinsBefore } from './twins-before.ts'
import { Twins } from './twins.ts'

/** How whole blocks are counted, once for all questions of the same shape. */
export interface PartCounter {
  /** Of the shape: a part counts to each question that has the same. */
  readonly key: string
  /** Whether what a block comes to is small enough. */
  suits(block: Block): boolean
  /** What the rows come to, and its bytes. `isAll`: nothing is missing in it. */
  count(block: Block, rows: BlockRows, wanted: Uint8Array): Promise<CountedBlock | undefined>
  /** The same from what a block knows of all of its spans; undefined where that does not tell it. May throw RangeError or TypeError where it is not what it should be. */
  fromCounts?(block: Block, counts: SectionCounts): Promise<CountedBlock | undefined>
  /** Adds what {@link count} gave to a question of the same shape. */
  add(part: unknown): void
}

export interface CountedBlock {
  readonly part: unknown
  readonly bytes: number
  readonly isAll: boolean
}

/** Where {@link PartCounter} has its parts from. */
export interface KeptCounts {
  readonly parts: KeptParts
  readonly counter: PartCounter
}

/** Characters of a filter that is a part's key, at most. */
const MAX_FILTER = 1_000

/**
 * Whether what whole blocks come to can be kept: where all spans count, or those that a filter of headers finds. It finds a span in each block that has it, or in none, so that it is enough to know which
 * blocks have it.
 */
export function isKept(scope: ScopePlan): boolean {
  return keyOf(scope) !== undefined
}

/** Of the filter; undefined where there is another set. */
function keyOf(scope: ScopePlan): string | undefined {
  const { set, of } = scope
  if (of === 'requests') return undefined
  const leaf = set && leafOf(set)
  return leaf && !isFilterOfHeaders(leaf.filter) ? undefined : setKey(scope)
}

/** What a part's key has of the set; undefined where that is not one filter, or a very long one. */
export function setKey({ set }: ScopePlan): string | undefined {
  if (set && set.root.op !== 'spans') return undefined
  const leaf = set && leafOf(set)
  if (!leaf) return ''
  return leaf.key.length > MAX_FILTER ? undefined : ` ${leaf.key}`
}

function leafOf({ root, leaves }: CompiledSet): Leaf | undefined {
  return root.op === 'spans' && root.leaf !== undefined ? leaves[root.leaf] : undefined
}

/** Counts spans of which {@link isKept} is true: those of whole blocks as parts, which are kept, others by their rows. */
export async function eachKept(
  blocks: readonly Block[],
  scope: ScopePlan,
  turn: Turn,
  take: TakeRows,
  growth: PartCount,
  { parts, counter }: KeptCounts,
): Promise<void> {
  const count = new KeptSpans(parts.begin(blocks), counter, scope, take, turn)
  await count.run(growth)
}

class KeptSpans {
  readonly #view: KeptView
  readonly #counter: PartCounter
  readonly #key: string
  readonly #source: Source
  readonly #range: Range
  readonly #take: TakeRows
  readonly #turn: Turn
  readonly #spanTwins: SpanTwins

  constructor(view: KeptView, counter: PartCounter, scope: ScopePlan, take: TakeRows, turn: Turn) {
    this.#view = view
    this.#counter = counter
    this.#key = counter.key + keyOf(scope)
    this.#source = coverOf(scope.set)
    this.#range = scope.range
    this.#take = take
    this.#turn = turn
    this.#spanTwins = new SpanTwins(turn)
  }

  async run(growth: PartCount): Promise<void> {
    const turn = this.#turn
    const { condition } = this.#source
    const met = this.#view.blocks.filter((block) => meets(block, this.#range, turn))
    const asked = condition ? met.filter((block) => mayMatch(condition, block)) : met
    const unknown = asked.filter((block) => this.#known(block) === undefined)
    // Where all spans have to be known, those of all blocks have to be met.
    const twins = isCheaper(unknown, (block) => this.#before(block), asked) ? undefined : new Twins(turn)
    // With a condition, few spans of a trace may be left, and to know its id costs more than to know them.
    if (!condition) await twins?.survey(asked, () => true)
    for (const [i, block] of asked.entries()) {
      if (await turn.breathe()) return
      if (i > 0) growth.part()
      const known = twins ? undefined : this.#known(block)
      if (known !== undefined) this.#counter.add(known)
      else if (twins || !(await this.#addCounts(block))) await turn.attemptAll(() => this.#count(block, twins))
    }
  }

  #isWhole(block: Block): boolean {
    return !block.growsIn && isInside(block, this.#range) && this.#counter.suits(block)
  }

  #known(block: Block): unknown {
    return this.#isWhole(block) ? this.#view.find(block, this.#key) : undefined
  }

  /** Adds what the block knows of itself, and keeps it. False where it does not, or some of it may be in a block before it. */
  async #addCounts(block: Block): Promise<boolean> {
    if (!this.#counter.fromCounts || this.#source.condition || !this.#isWhole(block)) return false
    const counts = block.counts?.()
    const counted = counts && (await quietly(() => this.#counter.fromCounts!(block, counts)))
    if (!counted?.isAll) return false
    // What is damaged counts nowhere, and says so where it is counted.
    const before = this.#before(block)
    const hasTwins = before.length > 0 && (await this.#turn.attemptAll(() => this.#spanTwins.mayBeIn(block, before)))
    if (hasTwins !== false) return false
    this.#counter.add(counted.part)
    if (this.#turn.complete) this.#view.keep(block, this.#key, counted.part, counted.bytes, [])
    return true
  }

  #before(block: Block): Block[] {
    const { from, to } = this.#range
    return this.#view.before(block).filter(({ minStart, maxStart }) => maxStart >= from && minStart <= to)
  }

  async #count(block: Block, twins: Twins | undefined): Promise<void> {
    const found = await matchesIn(block, this.#source, this.#range, true, this.#turn, 1)
    // That there are none is worth to be known of what is whole.
    if (!found && (!this.#isWhole(block) || !this.#turn.complete)) return
    const { rows, matching } = found ?? noneOf(block)
    const spans = sum(matching)
    const sharing = await this.#removeTwins(block, rows, matching, twins)
    if (!sharing) return
    if (!this.#isWhole(block)) return this.#take(block, rows, matching)
    const counted = await this.#counter.count(block, rows, matching)
    if (!counted) return
    this.#counter.add(counted.part)
    // What could not be read now may be the next time.
    if (!counted.isAll || !this.#turn.complete) return
    this.#view.keep(block, this.#key, counted.part, counted.bytes, sum(matching) === spans ? [] : sharing)
  }

  /** The blocks that have left nothing to this one of some spans, and perhaps others; undefined when the turn ended. */
  async #removeTwins(
    block: Block,
    rows: BlockRows,
    wanted: Uint8Array,
    twins: Twins | undefined,
  ): Promise<readonly Block[] | undefined> {
    if (!twins) return removeTwinsBefore(rows, wanted, this.#range, this.#before(block), this.#turn)
    return (await twins.remove(rows, wanted)) ? this.#before(block) : undefined
  }
}

/** Undefined for what is not what it should be. */
async function quietly<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) return undefined
    throw error
  }
}

function noneOf(block: Block): Pick<Matches, 'rows' | 'matching'> {
  const rows = block.rows()
  return { rows, matching: new Uint8Array(rows.count) }
}

function sum(wanted: Uint8Array): number {
  let count = 0
  for (let row = 0; row < wanted.length; row++) count += wanted[row]!
  return count
}
