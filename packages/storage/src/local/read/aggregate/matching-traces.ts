import { newestFirst } from '../range.ts'
import { TraceSweep, type SweepOptions, type SweptTrace } from '../trace-sweep.ts'
import type { Turn } from '../turn.ts'
import { eachPart, type Blocks } from './parts.ts'
import type { ScopePlan } from './plan.ts'

/** Tells of all traces that match, newer ones rather than older, until there are enough. */
export class MatchingTraces {
  readonly #blocks: Blocks
  readonly #scope: ScopePlan
  readonly #turn: Turn
  readonly #visit: (trace: SweptTrace) => void
  #sweep: TraceSweep | undefined

  constructor(blocks: Blocks, scope: ScopePlan, turn: Turn, visit: (trace: SweptTrace) => void) {
    this.#blocks = blocks
    this.#scope = scope
    this.#turn = turn
    this.#visit = visit
  }

  /** Whether there may be more than were told, as there were enough. */
  get hasLeft(): boolean {
    return this.#sweep?.hasLeft ?? false
  }

  async run({ maxTraces = Infinity, growth }: Omit<SweepOptions, 'isPart'>): Promise<void> {
    let left = maxTraces
    const visit = (trace: SweptTrace): [] => {
      left--
      this.#visit(trace)
      return []
    }
    return eachPart(this.#blocks, this.#turn, async (part, turn, isPart) => {
      const options = { maxTraces: left, growth, isPart }
      this.#sweep = new TraceSweep(newestFirst(part), this.#scope, turn, visit, noRows, options)
      await this.#sweep.run()
      return this.hasLeft
    })
  }
}

async function noRows(): Promise<void> {}
