import type { Filter } from '../../../contract.ts'
import type { Block } from '../block.ts'
import { compileFilter } from '../filter/compile.ts'
import { anyOf, type Condition } from '../filter/condition.ts'
import { filterKey } from '../filter/filter-key.ts'
import { NO } from '../filter/verdict.ts'
import type { Hits } from '../kept-hits.ts'
import { meets, type Range } from '../range.ts'
import type { Turn } from '../turn.ts'
import type { CompiledSet, SetNode } from './compile.ts'

/**
 * Where to look for traces that a set may match: each of them has a span of which `condition` is true (undefined: of which nothing is asked), and which
 * starts in the range, or where `anyTime` is true at any time.
 */
export interface Source {
  readonly condition: Condition | undefined
  readonly anyTime: boolean
  /** The share of all spans of which it is usually true. */
  readonly share: number
  /** Says what the condition asks: of two sources with the same one both find the same. Undefined: it is not told apart from others. */
  readonly key?: string | undefined
  /** What was found before by the same condition, for the same order. Default: nothing is known, and nothing kept. */
  readonly hits?: Hits | undefined
}

/** Whether spans of the block are in question, by their times alone. */
export function isAsked({ anyTime }: Source, block: Block, range: Range, turn: Turn): boolean {
  return anyTime ? block.spans > 0 : meets(block, range, turn)
}

export const EVERYTHING: Source = { condition: undefined, anyTime: false, share: 1 }

/** Of several sources, each of which is enough, the one that leaves the fewest spans to look at. */
export function bestSource(set: CompiledSet | undefined, blocks: readonly Block[], range: Range, turn: Turn): Source {
  if (!set) return EVERYTHING
  const sources = sourcesOf(set, set.root, turn)
  if (sources.length === 1) return sources[0]!
  const costs = sources.map((source) => spansOf(source, blocks, range, turn) * source.share)
  return sources[costs.indexOf(Math.min(...costs))]!
}

/** Where the spans are that can be in the result: each is found by this source. */
export function coverOf(set: CompiledSet | undefined): Source {
  return set ? coverOfNode(set, set.root) : EVERYTHING
}

function coverOfNode(set: CompiledSet, node: SetNode): Source {
  switch (node.op) {
    case 'spans':
      return node.leaf === undefined ? EVERYTHING : ofLeaf(set, node.leaf)
    case 'and':
    case 'or':
      return eitherOf(node.args.map((arg) => coverOfNode(set, arg)))
    case 'related':
      return coverOfNode(set, node.right)
    case 'having':
      return coverOfNode(set, node.arg)
    default:
      return coverOfNode(set, node.among)
  }
}

/** Sources of which each alone is enough. */
function sourcesOf(set: CompiledSet, node: SetNode, turn: Turn): readonly Source[] {
  switch (node.op) {
    case 'spans':
      return [node.leaf === undefined ? EVERYTHING : ofLeaf(set, node.leaf)]
    case 'and':
      return node.args.flatMap((arg) => sourcesOf(set, arg, turn))
    case 'or':
      return [eitherOf(node.args.map((arg) => rarest(sourcesOf(set, arg, turn))))]
    case 'related':
      return [...(node.not ? [] : sourcesOf(set, node.left, turn)), ...sourcesOf(set, node.right, turn)]
    case 'having':
      return sourcesOf(set, node.arg, turn)
    case 'without':
      return sourcesOf(set, node.among, turn)
    default: {
      const among = sourcesOf(set, node.among, turn)
      const filter = impliedBy(node)
      if (!filter) return among
      const condition = compileFilter(filter, turn)
      return [...among, { condition, anyTime: true, share: shareOf(filter), key: filterKey(filter) }]
    }
  }
}

function ofLeaf({ leaves }: CompiledSet, leaf: number): Source {
  const { filter, key, condition } = leaves[leaf]!
  return { condition, anyTime: false, share: shareOf(filter), key }
}

function rarest(sources: readonly Source[]): Source {
  return sources.reduce((best, source) => (source.share < best.share ? source : best))
}

function eitherOf(sources: readonly Source[]): Source {
  const conditions = sources.map(({ condition }) => condition)
  if (!conditions.every((condition) => condition !== undefined)) return EVERYTHING
  const anyTime = sources.some((source) => source.anyTime)
  const share = Math.min(
    1,
    sources.reduce((sum, source) => sum + source.share, 0),
  )
  const keys = sources.map(({ key }) => key)
  const key = keys.every((each) => each !== undefined) ? keys.join(' or ') : undefined
  return { condition: conditions.length === 1 ? conditions[0]! : anyOf(conditions), anyTime, share, key }
}

/** What one span of a trace must be, at whatever time, for the whole trace to be as asked; undefined where that is nothing. */
function impliedBy({ field, compare, value }: Extract<SetNode, { op: 'trace' }>): Filter | undefined {
  const atLeast = compare === 'gt' || compare === 'gte' || compare === 'eq'
  switch (field) {
    case 'rootService':
      return compare === 'eq' ? { op: 'eq', target: { field: 'service' }, value } : undefined
    case 'rootName':
      return compare === 'eq' ? { op: 'eq', target: { field: 'name' }, value } : undefined
    case 'requestDuration':
      return atLeast && Number(value) > 0 ? { op: 'gte', target: { field: 'duration' }, value } : undefined
    case 'errors':
      return atLeast && (Number(value) > 0 || (value === 0 && compare === 'gt'))
        ? { op: 'eq', target: { field: 'status' }, value: 'error' }
        : undefined
    default:
      return undefined
  }
}

/** A guess. */
function shareOf(filter: Filter): number {
  switch (filter.op) {
    case 'and':
      return Math.min(1, ...filter.args.map(shareOf))
    case 'or':
      return Math.min(
        1,
        filter.args.reduce((sum, arg) => sum + shareOf(arg), 0),
      )
    case 'not':
    case 'ne':
      return 0.9
    case 'word':
      return 0.01
    case 'eq':
    case 'in':
      return 'attribute' in filter.target ? 0.01 : filter.target.field === 'kind' ? 0.3 : 0.05
    case 'exists':
      return 0.5
    default:
      return 'attribute' in filter.target ? 0.1 : 0.2
  }
}

/** Units of a condition from which it asks filters of a block, and bytes of its spans. */
export const DEAR_UNITS = 100

/** Spans of the blocks that cannot be passed by, as far as that costs next to nothing to tell. */
function spansOf(source: Source, blocks: readonly Block[], range: Range, turn: Turn): number {
  const { condition } = source
  let spans = 0
  for (const block of blocks) {
    if (!isAsked(source, block, range, turn)) continue
    if (!condition || condition.units > DEAR_UNITS || condition.ofBlock(block) !== NO) spans += block.spans
  }
  return spans
}
