import type { GROUP_FIELDS, GroupKey } from '../../../contract.ts'
import type { BlockRows, OperationKey } from '../../block/rows.ts'
import type { Block } from '../block.ts'
import type { Turn } from '../turn.ts'
import { operationText, statusText } from './group-values.ts'
import { Groups, type GroupsPart } from './groups.ts'
import type { CountedBlock, PartCounter } from './kept-spans.ts'
import { bytesOfPart, PartReader } from './part-form.ts'
import { COUNTED_EXEMPLARS, numbersOf, type SectionCounts } from './section-counts.ts'
import type { TallyPlan } from './tally.ts'
import type { TimeBins } from './time-bins.ts'

/** Parts of the time that a block's spans are spread over, at most: else it is counted anew. */
const MAX_TIMES = 8

type GroupField = (typeof GROUP_FIELDS)[number]

function textOf(field: GroupField, operation: OperationKey, status: number): string {
  return field === 'status' ? statusText(status) : operationText(field, operation)
}

/** A part with the start that its times begin with. */
interface Placed {
  readonly first: bigint
  readonly groups: GroupsPart
}

/** What whole blocks have of each group, where all keys are fields. */
export class GroupParts implements PartCounter {
  readonly key: string
  readonly #groupBy: readonly GroupKey[]
  readonly #fields: readonly GroupField[]
  readonly #plan: TallyPlan
  readonly #time: TimeBins
  readonly #groups: Groups
  readonly #turn: Turn

  constructor(groupBy: readonly GroupKey[], plan: TallyPlan, time: TimeBins, groups: Groups, turn: Turn) {
    this.#fields = groupBy.flatMap((key) => ('field' in key ? [key.field] : []))
    this.key = `groups ${this.#fields.join(' ')} ${plan.exemplars} ${time.grid}`
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

  async fromCounts(block: Block, counts: SectionCounts): Promise<CountedBlock | undefined> {
    const time = this.#time.around(block.minStart, block.maxStart)
    const { operations } = block
    const numbers = numbersOf(counts, time)
    if (this.#plan.exemplars > COUNTED_EXEMPLARS || !numbers || !operations) return undefined
    const isCut = counts.times.length > 0
    return this.#turn.withPart(async (turn) => {
      const own = new Groups(this.#groupBy, { ...this.#plan, buckets: time.count }, time, turn)
      for (const input = new PartReader(counts.groups); !input.isDone;) {
        const [operation, status] = [operations[input.number()]!, input.number()]
        const values = this.#fields.map((field) => textOf(field, operation, status))
        own.addTally(values, input, isCut, (bucket) => numbers[bucket]!)
      }
      return this.#counted(time, own.part(), turn)
    })
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
