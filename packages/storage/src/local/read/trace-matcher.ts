import type { TraceSummary } from '../../contract.ts'
import type { Plan } from './plan.ts'
import { startsIn } from './range.ts'
import { SetOfTrace, type ResolvedTrace } from './set/evaluate.ts'
import { truthOf } from './set/leaf-truth.ts'
import { matchedSpans } from './set/matched.ts'
import { Summarizer } from './summary.ts'
import type { TraceParts } from './trace-parts.ts'
import type { Turn } from './turn.ts'

/** Tells of one trace after the other whether a query wants it, and what there is to say of it. */
export class TraceMatcher {
  readonly #plan: Plan
  readonly #turn: Turn
  readonly #summarizer: Summarizer

  constructor(plan: Plan, turn: Turn) {
    this.#plan = plan
    this.#turn = turn
    this.#summarizer = new Summarizer(turn)
  }

  /** `isKnown`: one of its spans is known to be wanted. Undefined when the query does not want it, or there was no time or memory to tell. */
  match(trace: TraceParts, isKnown: boolean): Promise<TraceSummary | undefined> {
    return this.#turn.attemptAll(() => this.#match(trace, isKnown))
  }

  async #match(trace: TraceParts, isKnown: boolean): Promise<TraceSummary | undefined> {
    const { set, range } = this.#plan
    if (!set) return isKnown || hasSpanIn(trace, this.#plan) ? this.#summarizer.summarize(trace) : undefined
    if (isKnown && set.root.op === 'spans') return this.#matchSpans(trace)
    const asked = new SetOfTrace(set, trace, range, this.#turn)
    if (!(await asked.mayMatch())) return undefined
    const resolved = await this.#summarizer.resolve(trace)
    const members = resolved && (await asked.members(resolved))
    return members && this.#withMatched(trace, resolved, members, true)
  }

  /** The spans of one filter, of which one is known to match: not all have to be looked at. */
  async #matchSpans(trace: TraceParts): Promise<TraceSummary | undefined> {
    const { set, range, matches, order } = this.#plan
    const isRanked = order === 'longest_match'
    const resolved = await this.#summarizer.resolve(trace)
    if (!resolved || (matches === 0 && !isRanked)) return resolved?.summary
    const { root, leaves } = set!
    const condition = root.op === 'spans' && root.leaf !== undefined ? leaves[root.leaf]!.condition : undefined
    const found = await truthOf(condition, trace, range, !isRanked, this.#turn)
    if (!found) return undefined
    const members = new Uint8Array(resolved.count)
    for (let row = 0; row < found.truth.length; row++) if (found.truth[row]) members[resolved.distinctOf[row]!] = 1
    return this.#withMatched(trace, resolved, members, found.isWhole)
  }

  async #withMatched(
    trace: TraceParts,
    resolved: ResolvedTrace,
    members: Uint8Array,
    exact: boolean,
  ): Promise<TraceSummary | undefined> {
    const { set, matches } = this.#plan
    const matched = await matchedSpans(trace, resolved.distinctOf, members, matches, set!.leaves, this.#turn)
    return matched && { ...resolved.summary, matched: { ...matched, exact } }
  }
}

function hasSpanIn({ parts }: TraceParts, { range }: Plan): boolean {
  return parts.some(({ rows }) => {
    for (let row = 0; row < rows.count; row++) if (startsIn(rows, row, range)) return true
    return false
  })
}
