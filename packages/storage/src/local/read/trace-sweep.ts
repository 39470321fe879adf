import { ROW_BYTES, type BlockRows } from '../block/rows.ts'
import { traceHash, type Block } from './block.ts'
import { matchesIn, wholeTraces } from './matches.ts'
import { isInside, type Range } from './range.ts'
import { BlockLeaves } from './set/block-leaves.ts'
import type { CompiledSet, SetNode } from './set/compile.ts'
import { SetOfTrace, type ResolvedTrace } from './set/evaluate.ts'
import { bestSource, isAsked, type Source } from './set/sources.ts'
import { Summarizer } from './summary.ts'
import { TraceIds, widened } from './trace-ids.ts'
import { selectRows } from './trace-rows.ts'
import type { Turn } from './turn.ts'

/** The shares of the time after which no further trace is looked for, and no further block for it. */
const FINDING_SHARE = 0.4
const COUNTING_SHARE = 0.6
/** Asking one filter for a trace, and reading a block, as units of {@link Turn.work}. */
const FILTER_UNITS = 100
const BLOCK_UNITS = 200_000
const ROW_UNITS = 80
/** Of a part of a trace that waits for its others, beside its rows. */
const PART_BYTES = 1_000
/** Of a row that is wanted of a block that has come. */
const LATE_BYTES = 16

/** A trace that a set matches. Rows are counted over all its parts. */
export interface SweptTrace extends ResolvedTrace {
  readonly rowCount: number
  /** 1 for each distinct span that is in the set; undefined where the set is not more than one filter. */
  readonly members: Uint8Array | undefined
}

/** Gives the rows of a trace that are wanted. */
export type VisitTrace = (trace: SweptTrace) => Iterable<number>
/** Hears that a part of what is to be done has been. */
export interface PartCount {
  part(): void
}

export interface SweepOptions {
  /** Traces after which it ends. Default: none. */
  readonly maxTraces?: number | undefined
  /**
   * Only the row of each trace's request is taken, whatever is visited: with all that its block has of it, or, `header`, with nothing but the columns of `RequestRows`, to which
   * the rows that are told may belong.
   */
  readonly requests?: 'rows' | 'header' | undefined
  /** Hears up to {@link SWEEP_STAGES} times of each block. */
  readonly growth?: PartCount | undefined
  /** Whether other sweeps follow, so that no share of the time is kept for a stage. Default false. */
  readonly isPart?: boolean
  /** Blocks that have a span of each trace in question. Default: all. */
  readonly among?: ReadonlySet<Block> | undefined
}

/** A block is looked into for what matches, for what else it has of that, and passed. */
export const SWEEP_STAGES = 3

/** Hears of the rows of a block that are wanted: their `wanted` is 1. */
export type TakeRows = (block: Block, rows: BlockRows, wanted: Uint8Array) => Promise<void>

/** A trace's rows in one block. */
interface Part {
  readonly block: Block
  /** By their numbers in the block. */
  readonly numbers: Uint32Array
  /** The block's rows with `members`, or a copy of those that are the trace's. */
  readonly rows: BlockRows
  readonly members?: Uint32Array
  /** See {@link BlockLeaves.of}. */
  readonly truths: readonly Uint8Array[]
}

/**
 * Goes through all traces that a set matches, block after block, however many traces are in one. A trace that is in one block alone is told when that comes; others
 * wait for their last block, as copies of their header columns.
 */
export class TraceSweep {
  readonly #blocks: readonly Block[]
  readonly #set: CompiledSet | undefined
  readonly #range: Range
  readonly #turn: Turn
  readonly #visit: VisitTrace
  readonly #take: TakeRows
  readonly #maxTraces: number
  readonly #growth: SweepOptions['growth']
  readonly #requests: SweepOptions['requests']
  readonly #among: ReadonlySet<Block> | undefined
  readonly #findingShare: number
  readonly #countingShare: number
  /** Traces that were visited, and those of which it was told whether they match. */
  #visited = 0
  #settled = 0
  /** Some blocks were not looked into, as there was enough. */
  #isCut = false
  readonly #source: Source
  /** Whether each trace that the source finds matches. */
  readonly #isEnough: boolean
  readonly #readsSpans: boolean
  readonly #summarizer: Summarizer
  /** What may match, and of each how many blocks are still to come. */
  readonly #ids: TraceIds
  #left = new Uint32Array(0)
  readonly #holders = new Set<Block>()
  readonly #waiting = new Map<number, Part[]>()
  /** Rows that are wanted of blocks that have come. */
  readonly #late = new Map<Block, number[]>()

  constructor(
    blocks: readonly Block[],
    { set, range }: { readonly set: CompiledSet | undefined; readonly range: Range },
    turn: Turn,
    visit: VisitTrace,
    take: TakeRows,
    { maxTraces = Infinity, growth, requests, isPart = false, among }: SweepOptions = {},
  ) {
    this.#among = among
    this.#maxTraces = maxTraces
    this.#growth = growth
    this.#findingShare = isPart ? 1 : FINDING_SHARE
    this.#countingShare = isPart ? 1 : COUNTING_SHARE
    this.#blocks = blocks
    this.#set = set
    this.#range = range
    this.#turn = turn
    this.#visit = visit
    this.#take = take
    this.#source = bestSource(set, blocks, range, turn)
    this.#isEnough = !set || set.root.op === 'spans'
    this.#requests = this.#isEnough ? requests : undefined
    this.#readsSpans = set !== undefined && readsSpans(set.root)
    this.#summarizer = new Summarizer(turn)
    this.#ids = new TraceIds(turn, 4, (capacity) => (this.#left = widened(this.#left, capacity)))
    this.#left = new Uint32Array(this.#ids.capacity)
  }

  /** Whether there may be more that match than were visited, as there were enough. */
  get hasLeft(): boolean {
    return this.#isCut || (this.#isFull && this.#settled < this.#ids.size)
  }

  /** Ends early when the turn does, or there are enough; what is damaged is left out. */
  async run(): Promise<void> {
    await this.#find()
    await this.#count()
    for (const block of this.#blocks) {
      if (await this.#turn.breathe()) return
      if (this.#holders.has(block)) await this.#turn.attemptAll(() => this.#pass(block))
      if (this.#isFull) break
      this.#growth?.part()
    }
    // Of what cannot be read some parts never came.
    for (const [entry, parts] of this.#waiting) await this.#tell(entry, parts)
    for (const [block, numbers] of this.#late) {
      if (await this.#turn.breathe()) return
      await this.#turn.attemptAll(() => this.#takeLate(block, numbers))
    }
  }

  get #isFull(): boolean {
    return this.#visited >= this.#maxTraces
  }

  /** All traces that may match, or where each of them does, enough. */
  async #find(): Promise<void> {
    const { condition } = this.#source
    for (const [i, block] of this.#blocks.entries()) {
      if (await this.#turn.breathe(this.#findingShare)) return
      if (i > 0) this.#growth?.part()
      if (this.#isEnough && this.#ids.size >= this.#maxTraces) {
        this.#isCut = this.#blocks.slice(i).some((left) => isAsked(this.#source, left, this.#range, this.#turn))
        return
      }
      if (this.#among?.has(block) === false || !isAsked(this.#source, block, this.#range, this.#turn)) continue
      const traceIds = this.#turn.attempt(() => wholeTraces(block, this.#source, this.#range)?.traceIds)
      if (traceIds) this.#turn.spans += traceIds.length / 4
      const found = traceIds
        ? undefined
        : await matchesIn(block, this.#source, this.#range, false, this.#turn, this.#findingShare)
      const ids = traceIds ?? found?.rows.traceIds
      if (!ids) continue
      const traces = found?.rows.traceCount ?? ids.length / 4
      const isWhole = !condition && isInside(block, this.#range)
      if (isWhole) this.#holders.add(block)
      for (let trace = 0; trace < traces; trace++) {
        if (this.#turn.work(FILTER_UNITS) && (await this.#turn.breathe())) return
        if (found && !found.traces[trace]) continue
        const entry = this.#ids.add(ids, 4 * trace)
        if (entry < 0) return
        if (isWhole) this.#left[entry]!++
      }
    }
  }

  /** In how many blocks each trace is: spans of it may be anywhere. */
  async #count(): Promise<void> {
    for (const block of this.#blocks) {
      if (await this.#turn.breathe(this.#countingShare)) return
      this.#growth?.part()
      if (block.spans === 0 || this.#holders.has(block) || !(await this.#mayHold(block))) continue
      await this.#turn.attemptAll(async () => {
        const { traceCount, traceIds } = block.rows()
        for (let trace = 0; trace < traceCount; trace++) {
          if (this.#turn.work(FILTER_UNITS) && (await this.#turn.breathe())) return
          const entry = this.#ids.find(traceIds, 4 * trace)
          if (entry < 0) continue
          this.#left[entry]!++
          this.#holders.add(block)
        }
      })
    }
  }

  /** Asks the block's filter for each trace, as long as that is less work than to read it. */
  async #mayHold(block: Block): Promise<boolean> {
    const { size } = this.#ids
    if (size * FILTER_UNITS > BLOCK_UNITS + block.spans * ROW_UNITS) return true
    for (let entry = 0; entry < size; entry++) {
      if (this.#turn.work(FILTER_UNITS) && (await this.#turn.breathe())) return false
      if (block.mayHaveTrace(traceHash(this.#ids.words(entry)))) return true
    }
    return false
  }

  async #pass(block: Block): Promise<void> {
    if (this.#requests === 'header' && (await this.#passRequests(block))) return
    const turn = this.#turn
    const rows = block.rows()
    const { first, numbers } = byTrace(rows)
    const leaves = this.#isEnough ? undefined : new BlockLeaves(block, rows, this.#set!, this.#range, turn)
    const wanted = new Uint8Array(rows.count)
    for (let trace = 0; trace < rows.traceCount; trace++) {
      if (this.#isFull) break
      if (turn.work(ROW_UNITS) && (await turn.breathe())) return
      const own = numbers.subarray(first[trace], first[trace + 1])
      const entry = own.length === 0 ? -1 : this.#ids.find(rows.traceIds, 4 * trace)
      if (entry < 0 || this.#left[entry] === 0) continue
      turn.spans += own.length
      const truths = leaves ? await leaves.of(own) : []
      if (!truths) return
      const before = this.#waiting.get(entry)
      const isLast = --this.#left[entry]! === 0
      const isAlone = isLast && !before && this.#isEnough
      const request = isAlone && this.#requests ? requestOf(rows, own) : undefined
      if (request !== undefined) {
        this.#settled++
        this.#visited++
        wanted[request] = 1
        continue
      }
      const part = isAlone
        ? { block, numbers: own, rows, members: own, truths }
        : { block, numbers: own.slice(), rows: this.#copyOf(block, rows, own, entry), truths }
      if (!isLast && !turn.reserve(PART_BYTES + (ROW_BYTES + 4) * own.length)) return
      if (before) before.push(part)
      const parts = before ?? [part]
      if (!isLast) this.#waiting.set(entry, parts)
      else await this.#tell(entry, parts, block, wanted)
    }
    if (wanted.includes(1)) await this.#take(block, rows, wanted)
  }

  /** Takes the requests that the block tells by itself. False where there are traces of which it does not, or the turn ended. */
  async #passRequests(block: Block): Promise<boolean> {
    const requests = block.requests?.()
    if (!requests) return false
    const turn = this.#turn
    const wanted = new Uint8Array(requests.count)
    let isAll = true
    for (let trace = 0; trace < requests.traceCount && !this.#isFull; trace++) {
      if (turn.work(FILTER_UNITS) && (await turn.breathe())) return true
      const entry = this.#ids.find(requests.traceIds, 4 * trace)
      if (entry < 0 || this.#left[entry] === 0) continue
      if (this.#left[entry] !== 1 || this.#waiting.has(entry) || !requests.isKnown(trace)) {
        isAll = false
        continue
      }
      this.#left[entry] = 0
      this.#settled++
      this.#visited++
      turn.spans++
      wanted[trace] = 1
    }
    if (wanted.includes(1)) await this.#take(block, requests, wanted)
    return isAll
  }

  /** The rows of one trace, as what is asked of them needs it. */
  #copyOf(block: Block, rows: BlockRows, members: Uint32Array, entry: number): BlockRows {
    const id = this.#ids.words(entry)
    const copy = block.frame || !this.#readsSpans ? undefined : block.traceRows(id)
    return copy ?? selectRows(rows, members, id)
  }

  /** All of a trace is there. `current`: the block that is being passed, whose rows are marked in `wanted`. */
  async #tell(entry: number, parts: readonly Part[], current?: Block, wanted?: Uint8Array): Promise<void> {
    if (this.#waiting.delete(entry)) {
      for (const { numbers } of parts.slice(0, -1)) this.#turn.release(PART_BYTES + (ROW_BYTES + 4) * numbers.length)
    }
    if (this.#isFull) return
    this.#settled++
    const trace = await this.#resolve(entry, parts)
    if (!trace) return
    this.#visited++
    for (const row of this.#visit(trace)) {
      let at = row
      let part = 0
      while (at >= parts[part]!.numbers.length) at -= parts[part++]!.numbers.length
      const { block, numbers } = parts[part]!
      if (block === current) wanted![numbers[at]!] = 1
      else if (this.#turn.reserve(LATE_BYTES)) {
        const late = this.#late.get(block)
        if (late) late.push(numbers[at]!)
        else this.#late.set(block, [numbers[at]!])
      }
    }
  }

  /** Undefined when the set does not match, or the turn ended. */
  async #resolve(entry: number, parts: readonly Part[]): Promise<SweptTrace | undefined> {
    const id = this.#ids.words(entry)
    const asked =
      this.#set && !this.#isEnough
        ? new SetOfTrace(this.#set, { id, parts }, this.#range, this.#turn, async (leaf) => truthOf(parts, leaf))
        : undefined
    if (asked && !(await asked.mayMatch())) return undefined
    const resolved = await this.#summarizer.resolve({ id, parts })
    const members = resolved && (await asked?.members(resolved))
    if (!resolved || (asked && !members)) return undefined
    return { ...resolved, members, rowCount: parts.reduce((sum, { numbers }) => sum + numbers.length, 0) }
  }

  async #takeLate(block: Block, numbers: readonly number[]): Promise<void> {
    const rows = block.rows()
    const wanted = new Uint8Array(rows.count)
    for (const number of numbers) wanted[number] = 1
    await this.#take(block, rows, wanted)
  }
}

/**
 * The row of the request of a trace, of which these are all rows, where that is plain: one without a parent starts first of all, and there is no other that is as long, or has its
 * id. See `@spoor/trace` for what it is where it is not.
 */
function requestOf(rows: BlockRows, members: Uint32Array): number | undefined {
  const { startHi, startLo, durationNs, spanId, parentId } = rows
  let [first, isRoot, isOnly] = [members[0]!, false, true]
  for (const row of members) {
    const later = startHi[row]! - startHi[first]! || startLo[row]! - startLo[first]!
    if (later > 0) continue
    const rooted = parentId[2 * row] === 0 && parentId[2 * row + 1] === 0
    if (later === 0 && row !== first) {
      // Of those that start first.
      if (!rooted || (isRoot && durationNs[row]! < durationNs[first]!)) continue
      isOnly = !isRoot || durationNs[row]! > durationNs[first]!
    } else isOnly = true
    ;[first, isRoot] = [row, rooted]
  }
  if (!isRoot || !isOnly) return undefined
  for (const row of members) {
    if (row !== first && spanId[2 * row] === spanId[2 * first] && spanId[2 * row + 1] === spanId[2 * first + 1])
      return undefined
  }
  return first
}

/** What a leaf says of all rows of the parts; without a leaf, which of them start in the range. */
function truthOf(parts: readonly Part[], leaf: number | undefined): Uint8Array {
  const truths = parts.map(({ truths: own }) => own.at(leaf ?? -1)!)
  const all = new Uint8Array(truths.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const truth of truths) {
    all.set(truth, at)
    at += truth.length
  }
  return all
}

/** Numbers of rows, those of one trace together, ascending, and where those of each begin. */
function byTrace({ count, trace, traceCount }: BlockRows): {
  readonly first: Uint32Array
  readonly numbers: Uint32Array
} {
  const first = new Uint32Array(traceCount + 1)
  for (let row = 0; row < count; row++) first[trace[row]! + 1]!++
  for (let i = 0; i < traceCount; i++) first[i + 1]! += first[i]!
  const next = first.slice()
  const numbers = new Uint32Array(count)
  for (let row = 0; row < count; row++) numbers[next[trace[row]!]!++] = row
  return { first, numbers }
}

/** Whether the set asks for numbers of attributes, which are read with a span's bytes. */
function readsSpans(node: SetNode): boolean {
  switch (node.op) {
    case 'spans':
      return false
    case 'and':
    case 'or':
      return node.args.some(readsSpans)
    case 'without':
      return readsSpans(node.arg) || readsSpans(node.among)
    case 'related':
      return readsSpans(node.left) || readsSpans(node.right)
    case 'having':
      return typeof node.of === 'object' || readsSpans(node.arg)
    default:
      return readsSpans(node.among)
  }
}
