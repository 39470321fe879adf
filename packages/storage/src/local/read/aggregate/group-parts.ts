import type { GroupKey } from '../../../contract.ts'
import type { BlockRows } from '../../block/rows.ts'
import type { Block } from '../block.ts'
import type { Turn } from '../turn.ts'
import { Groups, type GroupsPart } from './groups.ts'
import type { CountedBlock, PartCounter } from './kept-spans.ts'
import { bytesOfPart } from './part-form.ts'
import type { TallyPlan } from './tally.ts'
import type { TimeBins } from './time-bins.ts'

/** Parts of the time that a block's spans are spread over, at most: else it is counted anew. */
const MAX_TIMES = 8

/** A part with the start that its times begin with. */
interface Placed {
  readonly first: bigint
  readonly groups: GroupsPart
}

/** What whole blocks have of each group, where all keys are fields. */
export class GroupParts implements PartCounter {
  readonly key: string
  readonly #groupBy: readonly GroupKey[]
  readonly #plan: TallyPlan
  readonly #time: TimeBins
  readonly #groups: Groups
  readonly #turn: Turn

  constructor(groupBy: readonly GroupKey[], plan: TallyPlan, time: TimeBins, groups: Groups, turn: Turn) {
    const fields = groupBy.map((key) => ('field' in key ? key.field : ''))
    this.key = `groups ${fields.join(' ')} ${plan.exemplars} ${time.grid}`
    this.#groupBy = groupBy
    this.#plan = plan
    this.#time = time
    this.#groups = groups
    this.#turn = turn
  }

  suits({ minStart, maxStart }: Block): boolean {
    return this.#time.around(minStart, maxStart).count <= MAX_TIMES
  }

  async count(block: Block, rows: BlockRows, wanted: Uint8Array): Promise<CountedBlock | undefined> {
    const time = this.#time.around(block.minStart, block.maxStart)
    const counted = await this.#turn.withPart(async (turn) => {
      const own = new Groups(this.#groupBy, { ...this.#plan, buckets: time.count }, time, turn)
      await own.add(block, rows, wanted)
      return this.#counted(time, own.part(), turn)
    })
    if (!counted) await this.#groups.add(block, rows, wanted)
    return counted
  }

  #counted({ first }: TimeBins, groups: GroupsPart | undefined, turn: Turn): CountedBlock | undefined {
    if (!groups) return undefined
    const bytes = bytesOfPart(groups.tallies) + 8 * groups.values.length + 200
    return { part: { first, groups } satisfies Placed, bytes, isAll: turn.complete }
  }

  add(part: unknown): void {
    const { first, groups } = part as Placed
    this.#groups.addGroups(groups, this.#time.numberOf(first))
  }
}
