import type { OperationKey, BlockRows } from '../../block/rows.ts'
import type { Block } from '../block.ts'
import type { SpanView } from '../span-view.ts'
import type { Turn } from '../turn.ts'
import { combined, isAllNo, negated, NO, YES, type Verdict, type Verdicts } from './verdict.ts'

/**
 * A filter, compiled once and then asked three times, each time of more: what a block says of all its spans without a look into it, what its
 * columns say of each row, what a span's bytes say.
 */
export interface Condition {
  /** What asking the columns of one row costs, in units of {@link Turn.work}; what cannot be told by columns costs most. */
  readonly units: number
  /** Whether {@link ofBlock} says more when it is asked of one operation at a time. */
  readonly ofOperations: boolean
  /** Whether {@link test} goes by the bytes alone, and not by the columns of `rows`. Default false. */
  readonly ofBytes?: boolean
  /** By the block's bounds, dictionaries and filters; of those spans only that have the operation, when one is given. Never wrongly NO or YES. */
  ofBlock(block: Block, operation?: OperationKey): Verdict
  /** By the columns. When the turn ends in between, what it gives is of no use. */
  judge(block: Block, rows: BlockRows, turn: Turn, share: number): Verdicts | Promise<Verdicts>
  /** The whole answer for the row of the view, whose bytes are at hand. The columns of `rows` are the view's. */
  test(view: SpanView, rows: BlockRows): boolean
  /** Where a word was found in a span of which the condition is true: a key or field; undefined when it looks for none. */
  readonly foundIn?: (view: SpanView, rows: BlockRows) => string | undefined
}

/** Whether the block may have a span of which the condition is true. */
export function mayMatch(condition: Condition, block: Block): boolean {
  if (condition.ofBlock(block) === NO) return false
  const { operations } = block
  if (!condition.ofOperations || !operations || operations.length > MAX_OPERATIONS) return true
  return operations.some((operation) => condition.ofBlock(block, operation) !== NO)
}

/** Operations of a block beyond which its rows are as quick to ask. */
const MAX_OPERATIONS = 2_000

/** Rows between two looks at the clock. */
export const CHUNK = 4_096

export function allOf(args: readonly Condition[]): Condition {
  return several('and', args)
}

export function anyOf(args: readonly Condition[]): Condition {
  return several('or', args)
}

function several(op: 'and' | 'or', unsorted: readonly Condition[]): Condition {
  const args = [...unsorted].sort((a, b) => a.units - b.units)
  const [decisive, neutral]: [Verdict, Verdict] = op === 'and' ? [NO, YES] : [YES, NO]
  return {
    units: args.reduce((units, arg) => units + arg.units, 0),
    ofOperations: args.some(({ ofOperations }) => ofOperations),
    ofBytes: args.every(({ ofBytes }) => ofBytes),
    ofBlock(block, operation) {
      let verdict: Verdict = neutral
      for (const arg of args) {
        const one = arg.ofBlock(block, operation)
        if (one === decisive) return decisive
        if (one !== neutral) verdict = one
      }
      return verdict
    },
    async judge(block, rows, turn, share) {
      let verdicts: Verdicts = neutral
      for (const arg of args) {
        verdicts = combined(op, verdicts, await arg.judge(block, rows, turn, share))
        if (verdicts === decisive || (op === 'and' && isAllNo(verdicts))) return decisive
      }
      return verdicts
    },
    test: (view, rows) =>
      op === 'and' ? args.every((arg) => arg.test(view, rows)) : args.some((arg) => arg.test(view, rows)),
    ...(args.some(({ foundIn }) => foundIn) && { foundIn: (view, rows) => firstFound(args, view, rows) }),
  }
}

function firstFound(args: readonly Condition[], view: SpanView, rows: BlockRows): string | undefined {
  for (const arg of args) {
    const key = arg.foundIn && arg.test(view, rows) ? arg.foundIn(view, rows) : undefined
    if (key !== undefined) return key
  }
  return undefined
}

export function noneOf(arg: Condition): Condition {
  return {
    units: arg.units,
    ofOperations: arg.ofOperations,
    ofBytes: arg.ofBytes === true,
    ofBlock: (block, operation) => (YES - arg.ofBlock(block, operation)) as Verdict,
    judge: async (block, rows, turn, share) => negated(await arg.judge(block, rows, turn, share)),
    test: (view, rows) => !arg.test(view, rows),
  }
}
