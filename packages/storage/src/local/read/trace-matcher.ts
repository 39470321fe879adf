import type { TraceSummary } from '../../contract.ts'
import type { Block } from './block.ts'
import type { Plan } from './plan.ts'
import { startsIn } from './range.ts'
import { SetOfTrace, type ResolvedTrace } from './set/evaluate.ts'
import { truthOf, type LeafTruth } from './set/leaf-truth.ts'
import { matchedSpans } from './set/matched.ts'
import type { SummaryCache } from './summary-cache.ts'
import { Summarizer } from './summary.ts'
import { blocksOf, gatherTrace, type TraceParts } from './trace-parts.ts'
import type { Turn } from './turn.ts'

/** Tells of one trace after the other whether a query wants it, and what there is to say of it. */
export class TraceMatcher {
  readonly #blocks: readonly Block[]
  readonly #plan: Plan
  readonly #summaries: SummaryCache
  readonly #turn: Turn
  readonly #summarizer: Summarizer

  constructor(blocks: readonly Block[], plan: Plan, summaries: SummaryCache, turn: Turn) {
    this.#blocks = blocks
    this.#plan = plan
    this.#summaries = summaries
    this.#turn = turn
    this.#summarizer = new Summarizer(turn)
  }

  /** `isKnown`: one of its spans is known to be wanted. Undefined when the query does not want it, or there was no time or memory to tell. */
  match(id: Uint32Array, isKnown: boolean): Promise<TraceSummary | undefined> {
    return this.#turn.attemptAll(() => this.#match(id, isKnown))
  }

  async #match(id: Uint32Array, isKnown: boolean): Promise<TraceSummary | undefined> {
    const turn = this.#turn
    const { set, range } = this.#plan
    const blocks = await blocksOf(this.#blocks, id, turn)
    if (!blocks) return undefined
    const known = turn.attempt(() => this.#summaries.find(id, blocks))
    // Its first span is in the range, whichever others are.
    const isWanted = isKnown || (known !== undefined && known.start >= range.from && known.start <= range.to)
    if (known && isWanted && !set) return known
    const trace = await gatherTrace(blocks, id, turn)
    if (!trace) return undefined
    if (isKnown && (!set || set.root.op === 'spans')) {
      if (set && known) return this.#withFew(trace, known)
      const resolved = await this.#resolve(trace, blocks)
      return resolved && set ? this.#withSpans(trace, resolved) : resolved?.summary
    }
    return set ? this.#withSet(trace, blocks) : this.#inRange(trace, blocks, known)
  }

  async #resolve(trace: TraceParts, blocks: readonly Block[]): Promise<ResolvedTrace | undefined> {
    const resolved = await this.#summarizer.resolve(trace)
    if (resolved && this.#turn.complete) this.#summaries.keep(trace.id, blocks, resolved.summary)
    return resolved
  }

  async #inRange(
    trace: TraceParts,
    blocks: readonly Block[],
    known: TraceSummary | undefined,
  ): Promise<TraceSummary | undefined> {
    const { range } = this.#plan
    const isIn = trace.parts.some(({ rows }) => {
      for (let row = 0; row < rows.count; row++) if (startsIn(rows, row, range)) return true
      return false
    })
    if (!isIn) return undefined
    return known ?? (await this.#resolve(trace, blocks))?.summary
  }

  async #withSet(trace: TraceParts, blocks: readonly Block[]): Promise<TraceSummary | undefined> {
    const { set, range } = this.#plan
    const asked = new SetOfTrace(set!, trace, range, this.#turn)
    if (!(await asked.mayMatch())) return undefined
    const resolved = await this.#resolve(trace, blocks)
    const members = resolved && (await asked.members(resolved))
    return members && this.#withMatched(trace, resolved, members, true)
  }

  /** The spans of one filter, of which one is known to match: not all have to be looked at. */
  async #withSpans(trace: TraceParts, resolved: ResolvedTrace): Promise<TraceSummary | undefined> {
    const { matches, order } = this.#plan
    const isRanked = order === 'longest_match'
    if (matches === 0 && !isRanked) return resolved.summary
    const found = await this.#truth(trace, !isRanked)
    if (!found) return undefined
    const members = new Uint8Array(resolved.count)
    for (let row = 0; row < found.truth.length; row++) if (found.truth[row]) members[resolved.distinctOf[row]!] = 1
    return this.#withMatched(trace, resolved, members, found.isWhole)
  }

  /** The same of a large trace whose summary is at hand: what was sent twice counts twice here, and it is said not to be exact. */
  async #withFew(trace: TraceParts, summary: TraceSummary): Promise<TraceSummary | undefined> {
    const { matches, order } = this.#plan
    if (order === 'longest_match') {
      const resolved = await this.#summarizer.resolve(trace)
      return resolved && this.#withSpans(trace, resolved)
    }
    if (matches === 0) return summary
    const found = await this.#truth(trace, true)
    if (!found) return undefined
    const each = Uint32Array.from(found.truth, (_, row) => row)
    return this.#withMatched(trace, { summary, distinctOf: each }, found.truth, false)
  }

  #truth(trace: TraceParts, few: boolean): Promise<LeafTruth | undefined> {
    const { set, range } = this.#plan
    const { root, leaves } = set!
    const condition = root.op === 'spans' && root.leaf !== undefined ? leaves[root.leaf]!.condition : undefined
    return truthOf(condition, trace, range, few, this.#turn)
  }

  async #withMatched(
    trace: TraceParts,
    { summary, distinctOf }: Pick<ResolvedTrace, 'summary' | 'distinctOf'>,
    members: Uint8Array,
    exact: boolean,
  ): Promise<TraceSummary | undefined> {
    const { set, matches } = this.#plan
    const matched = await matchedSpans(trace, distinctOf, members, matches, set!.leaves, this.#turn)
    return matched && { ...summary, matched: { ...matched, exact } }
  }
}
