import type { SpanTable, TraceShape } from '@spoor/trace'
import type { TraceField, TraceSummary } from '../../../contract.ts'
import { numberOf, type Value } from '../../block/attribute.ts'
import { startOf } from '../../block/rows.ts'
import { isReadable, type Range } from '../range.ts'
import { SpanView } from '../span-view.ts'
import type { TraceParts } from '../trace-parts.ts'
import type { Turn } from '../turn.ts'
import { holds, type CompiledSet, type SetNode } from './compile.ts'
import { truthOf } from './leaf-truth.ts'
import { related } from './related.ts'

/** A trace whose spans that were sent twice, and whose parents, are known. */
export interface ResolvedTrace {
  /** To be used before the next trace is resolved: its memory is used again. */
  readonly table: SpanTable
  readonly shape: TraceShape
  /** Distinct spans, numbered 0, 1, 2 ... */
  readonly count: number
  /** The distinct span of each row, counted over the parts. */
  readonly distinctOf: Uint32Array
  /** Of each distinct span; -1: it is not in the trace. */
  readonly parent: Int32Array
  /** The row that is the request, counted over the parts. */
  readonly rootRow: number
  readonly summary: TraceSummary
}

/** Members of a set, 1 for each; undefined: it is empty. */
type Members = Uint8Array | undefined

/**
 * 1 for each of a trace's rows, counted over the parts, of which a leaf is true; all that start in the range where there is no leaf. Undefined when the turn
 * ended.
 */
export type AskLeaf = (leaf: number | undefined) => Promise<Uint8Array | undefined>

/** Asks a set of one trace. What its leaves said is kept from one question to the next. */
export class SetOfTrace {
  readonly #set: CompiledSet
  readonly #trace: TraceParts
  readonly #turn: Turn
  readonly #truths = new Map<number | undefined, Uint8Array>()
  readonly #askLeaf: AskLeaf
  #resolved: ResolvedTrace | undefined

  /** `askLeaf`: of which of the rows a leaf is true, where that is known already. */
  constructor(set: CompiledSet, trace: TraceParts, range: Range, turn: Turn, askLeaf?: AskLeaf) {
    this.#set = set
    this.#trace = trace
    this.#turn = turn
    this.#askLeaf =
      askLeaf ??
      (async (leaf) => {
        const condition = leaf === undefined ? undefined : set.leaves[leaf]!.condition
        return (await truthOf(condition, trace, range, false, turn))?.truth
      })
  }

  /** Whether the set may have a member, by rows alone: exactly so where it asks nothing of the trace as a whole. False also when the turn ended. */
  async mayMatch(): Promise<boolean> {
    return (await this.#members(this.#set.root)) !== undefined && !this.#turn.stopped
  }

  /** The distinct spans in the set; undefined when there are none, or the turn ended. */
  async members(resolved: ResolvedTrace): Promise<Uint8Array | undefined> {
    this.#resolved = resolved
    const members = await this.#members(this.#set.root)
    return this.#turn.stopped ? undefined : members
  }

  async #members(node: SetNode): Promise<Members> {
    const turn = this.#turn
    if (turn.stopped) return undefined
    switch (node.op) {
      case 'spans':
        return this.#leaf(node.leaf)
      case 'and':
      case 'or':
        return this.#several(node.op, node.args)
      case 'without': {
        const arg = await this.#members(node.arg)
        // Without the whole trace nothing is certain of what is in there.
        if (arg && (this.#resolved || isOfRows(node.arg))) return undefined
        return this.#members(node.among)
      }
      case 'related': {
        const right = await this.#members(node.right)
        const left = right && (await this.#members(node.left))
        if (!right || (!left && !node.not)) return undefined
        if (!this.#resolved) return right
        const members = left ? await related(node, left, right, this.#resolved.parent, turn) : right
        return nonEmpty(members)
      }
      case 'having': {
        const arg = await this.#members(node.arg)
        if (!arg || !this.#resolved) return arg
        const number = await this.#aggregate(node, arg)
        return number !== undefined && holds(number, node.compare, node.value) ? arg : undefined
      }
      default:
        if (this.#resolved && !holds(fieldOf(this.#resolved.summary, node.field), node.compare, node.value))
          return undefined
        return this.#members(node.among)
    }
  }

  async #several(op: 'and' | 'or', args: readonly SetNode[]): Promise<Members> {
    let union: Members
    for (const arg of args) {
      const members = await this.#members(arg)
      if (!members && op === 'and') return undefined
      if (!members) continue
      if (!union) union = members.slice()
      else for (let i = 0; i < members.length; i++) union[i]! |= members[i]!
    }
    return union
  }

  async #leaf(leaf: number | undefined): Promise<Members> {
    let found = this.#truths.get(leaf)
    if (!found) {
      found = await this.#askLeaf(leaf)
      if (!found) return undefined
      this.#truths.set(leaf, found)
    }
    return nonEmpty(this.#resolved ? distinct(found, this.#resolved) : found)
  }

  /** Undefined where there are no numbers. */
  async #aggregate(node: Extract<SetNode, { op: 'having' }>, members: Uint8Array): Promise<number | undefined> {
    if (node.aggregate === 'count') return members.reduce((sum, member) => sum + member, 0)
    const { distinctOf } = this.#resolved!
    const seen = new Uint8Array(members.length)
    let [count, sum, min, max] = [0, 0, Infinity, -Infinity]
    let at = 0
    for (const { block, rows } of this.#trace.parts) {
      const view = new SpanView(block, rows)
      for (let row = 0; row < rows.count; row++, at++) {
        if (this.#turn.work(30) && (await this.#turn.breathe())) return undefined
        const span = distinctOf[at]!
        if (!members[span] || seen[span]) continue
        seen[span] = 1
        for (const value of this.#valuesOf(node, view, row, rows)) {
          const number = toNumber(value)
          if (number === undefined) continue
          count++
          sum += number
          min = Math.min(min, number)
          max = Math.max(max, number)
        }
      }
    }
    if (count === 0) return undefined
    return { min, max, sum, avg: sum / count }[node.aggregate]
  }

  #valuesOf(
    { of }: Extract<SetNode, { op: 'having' }>,
    view: SpanView,
    row: number,
    rows: TraceParts['parts'][number]['rows'],
  ): readonly Value[] {
    if (of === 'duration') return [rows.durationNs[row]!]
    if (of === 'start') return [startOf(rows, row)]
    return isReadable(view, row, this.#turn) ? view.attributes(of) : []
  }
}

/** Whether rows alone tell whether the set is empty. */
export function isOfRows(node: SetNode): boolean {
  switch (node.op) {
    case 'spans':
      return true
    case 'and':
    case 'or':
      return node.args.every(isOfRows)
    case 'without':
      return isOfRows(node.arg) && isOfRows(node.among)
    default:
      return false
  }
}

function distinct(truth: Uint8Array, { count, distinctOf }: ResolvedTrace): Uint8Array {
  const members = new Uint8Array(count)
  for (let row = 0; row < truth.length; row++) if (truth[row]) members[distinctOf[row]!] = 1
  return members
}

function nonEmpty(members: Uint8Array): Members {
  return members.includes(1) ? members : undefined
}

function toNumber(value: Value): number | undefined {
  const number = typeof value === 'string' ? numberOf(value) : value
  return number === undefined || Number.isNaN(number) ? undefined : Number(number)
}

function fieldOf(summary: TraceSummary, field: TraceField): string | number {
  switch (field) {
    case 'requestDuration':
      return summary.requestDurationNs
    case 'duration':
      return summary.durationNs
    case 'tail':
      return summary.tailNs
    default:
      return summary[field]
  }
}
