import type { Level, Target } from '../../../contract.ts'
import { hashText, pairHashes, type Value } from '../../block/attribute.ts'
import type { Block } from '../block.ts'
import { attributeTarget, type SpanView } from '../span-view.ts'
import type { Turn } from '../turn.ts'
import type { Condition } from './condition.ts'
import type { Leaf, Matcher } from './matcher.ts'
import { ValueMemo } from './value-memo.ts'
import { columnVerdicts } from './values.ts'
import { NO, UNKNOWN, type Verdict } from './verdict.ts'

/** Units of {@link Condition.units}: most blocks have no columns of attributes. */
const UNITS = 500
/** What {@link SpanView.fold} folds: bits of what was seen. */
const HAS = 1
const HOLDS = 2

/** A condition on an attribute. */
export function attributeCondition(
  node: Leaf,
  target: Extract<Target, { attribute: string }>,
  matcher: Matcher,
  turn: Turn,
): Condition {
  const { attribute, level = 'any' } = target
  const place = attributeTarget(target)
  const isIn = attributeFilter(node, attribute, level)
  const memo = new ValueMemo((value: Value) => (matcher.holds(value) ? HAS | HOLDS : HAS))
  return {
    units: UNITS,
    ofOperations: false,
    ofBytes: true,
    ofBlock: (block): Verdict => (isIn(block) ? UNKNOWN : NO),
    judge: (block, rows, own, share) => columnVerdicts(block, target, matcher, rows, own, share),
    test(view: SpanView) {
      turn.work(view.spanBytes)
      turn.values++
      const bits = view.fold(place, memo)
      return matcher.over === 'none' ? bits === HAS : (bits & HOLDS) !== 0
    },
  }
}

/** Whether a block may have the key, and one of the values where these can be listed. */
function attributeFilter(node: Leaf, key: string, level: Level): (block: Block) => boolean {
  const keyHash = hashText(key)
  const wanted = node.op === 'eq' ? [node.value] : node.op === 'in' ? node.values : undefined
  const lists = wanted?.map((value) => pairHashes(key, value))
  const hashes = lists?.every((list) => list !== undefined) ? lists.flatMap((list) => list ?? []) : undefined
  let last: Block | undefined
  let answer = true
  return (block) => {
    // It is asked once for each operation of the block.
    if (block === last) return answer
    answer =
      block.mayHaveAttribute(keyHash, level) && (!hashes || hashes.some((hash) => block.mayHaveAttribute(hash, level)))
    last = block
    return answer
  }
}
