import type { BlockRows } from '../../block/rows.ts'
import type { Block } from '../block.ts'
import type { KeptView } from '../kept-parts.ts'
import { isInside, meets, type Range } from '../range.ts'
import { TraceSweep, type PartCount, type SweptTrace, type TakeRows } from '../trace-sweep.ts'
import type { Turn } from '../turn.ts'
import { setKey, type KeptCounts, type PartCounter } from './kept-spans.ts'
import type { ScopePlan } from './plan.ts'

/** What a block's requests come to, and of how many neighbours they are known. */
interface Requests {
  readonly parts: readonly unknown[]
  readonly neighbours: number
}

/** What has been counted of a block so far, to be kept. */
interface Counting {
  readonly parts: unknown[]
  bytes: number
}

/**
 * Counts requests, of all traces or of those that have a span which one filter finds: those of whole blocks as parts, which are kept, others by a sweep. A request counts in the block that has its row. All spans of its trace are in that block and its neighbours, see
 * {@link SharedTraces}, so that what a block's requests come to is the same as long as its neighbours are, and all of them are whole and in the range. False, and nothing was counted, where it is not known
 * which blocks have traces in common, or to know it would cost more than to count.
 */
export async function eachKeptRequest(
  blocks: readonly Block[],
  scope: ScopePlan,
  turn: Turn,
  take: TakeRows,
  growth: PartCount,
  { parts, counter }: KeptCounts,
): Promise<boolean> {
  const filter = scope.of === 'requests' ? setKey(scope) : undefined
  if (filter === undefined) return false
  const view = parts.begin(blocks)
  const { shared } = parts
  if (!isWorthIt(blocks, scope.range, (block) => shared.knows(block))) {
    // Who asks again may find that it is known.
    shared.isWanted = true
    return false
  }
  if (!(await shared.learn(blocks, turn))) return false
  const neighbours = new Map<Block, ReadonlySet<Block>>()
  for (const block of blocks)
    if (block.spans > 0)
      neighbours.set(block, block.growsIn ? shared.neighboursOf(block, turn) : new Set(shared.neighbours(block)))
  const count = new KeptRequests(view, counter, `${counter.key} requests${filter}`, scope, turn, take, neighbours)
  await count.run(blocks, growth)
  return true
}

/** Traces of blocks outside of the range are not read in vain. */
function isWorthIt(blocks: readonly Block[], { from, to }: Range, isKnown: (block: Block) => boolean): boolean {
  let [inside, outside] = [0, 0]
  for (const block of blocks) {
    const { minStart, maxStart, spans } = block
    if (maxStart >= from && minStart <= to) inside += spans
    else if (!block.growsIn && !isKnown(block)) outside += spans
  }
  return outside <= inside
}

class KeptRequests {
  readonly #view: KeptView
  readonly #counter: PartCounter
  readonly #key: string
  readonly #scope: ScopePlan
  readonly #turn: Turn
  readonly #take: TakeRows
  /** As they are now: of those that grow, among those that do not. */
  readonly #neighbours: ReadonlyMap<Block, ReadonlySet<Block>>
  /** Blocks whose requests have been added. */
  readonly #added = new Set<Block>()
  /** Blocks whose requests are being counted as parts. */
  readonly #counting = new Map<Block, Counting>()

  constructor(
    view: KeptView,
    counter: PartCounter,
    key: string,
    scope: ScopePlan,
    turn: Turn,
    take: TakeRows,
    neighbours: ReadonlyMap<Block, ReadonlySet<Block>>,
  ) {
    this.#view = view
    this.#counter = counter
    this.#key = key
    this.#scope = scope
    this.#turn = turn
    this.#take = take
    this.#neighbours = neighbours
  }

  async run(blocks: readonly Block[], growth: PartCount): Promise<void> {
    const { range } = this.#scope
    const growing = blocks.filter(({ growsIn, spans }) => growsIn && spans > 0)
    const unsettled = new Set(growing.flatMap((block) => [...this.#neighbours.get(block)!]))
    const left = new Set<Block>()
    for (const block of blocks) {
      if (!meets(block, range, this.#turn)) continue
      const isSettled = !unsettled.has(block) && this.#isWhole(block)
      if (!isSettled || !this.#addKept(block)) left.add(block)
      if (isSettled && left.has(block)) this.#counting.set(block, { parts: [], bytes: 0 })
    }
    if (left.size === 0) return
    // A trace of these that is in others, too, may have its request, or what is looked for, there.
    const around = new Set([...left, ...growing])
    for (const block of left) for (const other of this.#neighbours.get(block)!) around.add(other)
    for (const block of growing) for (const other of this.#neighbours.get(block)!) around.add(other)
    const swept = blocks.filter((block) => around.has(block))
    const visit = ({ rootRow }: SweptTrace): number[] => [rootRow]
    const taken: TakeRows = (block, rows, wanted) => this.#taken(block, rows, wanted)
    const options = { growth, requests: 'header', among: this.#scope.set ? around : left } as const
    await new TraceSweep(swept, this.#scope, this.#turn, visit, taken, options).run()
    if (this.#turn.complete) this.#keepAll()
  }

  /** Whether all that there is of its traces is whole, and in the range. */
  #isWhole(block: Block): boolean {
    const { range } = this.#scope
    if (block.growsIn || !isInside(block, range) || !this.#counter.suits(block)) return false
    for (const other of this.#neighbours.get(block)!) if (!isInside(other, range)) return false
    return true
  }

  #addKept(block: Block): boolean {
    const found = this.#view.find(block, this.#key) as Requests | undefined
    if (!found || found.neighbours !== this.#neighbours.get(block)!.size) return false
    for (const part of found.parts) this.#counter.add(part)
    this.#added.add(block)
    return true
  }

  async #taken(block: Block, rows: BlockRows, wanted: Uint8Array): Promise<void> {
    if (this.#added.has(block)) return
    const counting = this.#counting.get(block)
    if (!counting) return this.#take(block, rows, wanted)
    const counted = await this.#counter.count(block, rows, wanted)
    if (!counted?.isAll) this.#counting.delete(block)
    if (!counted) return
    this.#counter.add(counted.part)
    counting.parts.push(counted.part)
    counting.bytes += counted.bytes
  }

  /** That there are none is worth to be known, too. */
  #keepAll(): void {
    for (const [block, { parts, bytes }] of this.#counting) {
      const neighbours = this.#neighbours.get(block)!
      this.#view.keep(block, this.#key, { parts, neighbours: neighbours.size } satisfies Requests, bytes, [
        ...neighbours,
      ])
    }
  }
}
