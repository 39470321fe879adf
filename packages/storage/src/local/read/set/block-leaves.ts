import type { BlockRows } from '../../block/rows.ts'
import type { Block } from '../block.ts'
import { NO, YES, type Verdicts } from '../filter/verdict.ts'
import { isReadable, startsIn, type Range } from '../range.ts'
import { SpanView } from '../span-view.ts'
import type { Turn } from '../turn.ts'
import type { CompiledSet } from './compile.ts'

/** What the leaves of a set say of a block's rows: columns are asked once for all, bytes only of rows that somebody asks for. */
export class BlockLeaves {
  readonly #rows: BlockRows
  readonly #leaves: CompiledSet['leaves']
  readonly #range: Range
  readonly #turn: Turn
  readonly #block: Block
  readonly #view: SpanView
  #verdicts: Verdicts[] | undefined

  constructor(block: Block, rows: BlockRows, { leaves }: CompiledSet, range: Range, turn: Turn) {
    this.#block = block
    this.#rows = rows
    this.#leaves = leaves
    this.#range = range
    this.#turn = turn
    this.#view = new SpanView(block, rows)
  }

  /**
   * Of which of these rows, ascending, each leaf is true, one after the other: 1 for each row; and at last which of them start in the range, as all others
   * have to. Undefined when the turn ended.
   */
  async of(members: Uint32Array): Promise<Uint8Array[] | undefined> {
    const turn = this.#turn
    if (!this.#verdicts) {
      const verdicts: Verdicts[] = []
      for (const { condition } of this.#leaves) verdicts.push(await condition.judge(this.#block, this.#rows, turn, 1))
      this.#verdicts = verdicts
    }
    const inRange = Uint8Array.from(members, (row) => (startsIn(this.#rows, row, this.#range) ? 1 : 0))
    const truths: Uint8Array[] = []
    for (const [leaf, verdicts] of this.#verdicts.entries()) {
      const truth = new Uint8Array(members.length)
      for (let i = 0; i < members.length; i++) {
        if (turn.work(20) && (await turn.breathe())) return undefined
        if (inRange[i]) truth[i] = this.#isTrue(leaf, verdicts, members[i]!) ? 1 : 0
      }
      truths.push(truth)
    }
    return turn.stopped ? undefined : [...truths, inRange]
  }

  #isTrue(leaf: number, verdicts: Verdicts, row: number): boolean {
    const verdict = typeof verdicts === 'number' ? verdicts : verdicts[row]!
    if (verdict === NO || verdict === YES) return verdict === YES
    this.#turn.work(300)
    return isReadable(this.#view, row, this.#turn) && this.#leaves[leaf]!.condition.test(this.#view, this.#rows)
  }
}
