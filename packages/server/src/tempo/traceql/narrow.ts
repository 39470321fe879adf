import type { Filter, SpanSet } from '@spoor/storage'
import { all, any, type Condition, oppositeOf, type TraceCondition } from './condition.ts'

export const ALL: SpanSet = { op: 'spans' }
const NEVER: Filter = { op: 'in', target: { field: 'kind' }, values: [] }
const NONE: SpanSet = { op: 'spans', filter: NEVER }

/** Nodes that a query may still make: what stands once in it may be asked in many cases. */
export interface Budget {
  nodes: number
}

/**
 * The spans of a set of which a condition is true, too; of what the store has no words for it is taken that it is. A condition on the whole trace is asked of the trace, once for each answer that it
 * may give, and the rest of its spans. Undefined: that is more than there is left of the budget.
 */
export function narrow(set: SpanSet, condition: Condition, budget: Budget): SpanSet | undefined {
  const build = (left: Condition): SpanSet => {
    if (--budget.nodes < 0) return NONE
    const atom = firstOfTrace(left)
    if (!atom) return left === false ? NONE : restricted(set, filterOf(left), budget)
    const sets: SpanSet[] = []
    for (const isTrue of [true, false]) {
      const then = assumed(left, atom, isTrue)
      if (then === false) continue
      const { field, compare, value } = isTrue ? atom : oppositeOf(atom)
      const among = build(then)
      sets.push({ op: 'trace', field, compare, value, ...(among !== ALL && { among }) })
    }
    return sets.length === 0 ? NONE : sets.length === 1 ? sets[0]! : { op: 'or', args: sets }
  }
  const narrowed = build(upper(condition))
  return budget.nodes < 0 ? undefined : narrowed
}

/** Where the first of what the store has no words for stands. */
export function firstUnknown(condition: Condition): number | undefined {
  if (typeof condition === 'boolean') return undefined
  if (condition.op === 'unknown') return condition.at
  if (condition.op !== 'and' && condition.op !== 'or') return undefined
  for (const arg of condition.args) {
    const at = firstUnknown(arg)
    if (at !== undefined) return at
  }
  return undefined
}

/** The spans of a set of which a filter is true, too. */
function restricted(set: SpanSet, filter: Filter | undefined, budget: Budget): SpanSet {
  if (!filter || --budget.nodes < 0) return set
  const inner = (arg: SpanSet): SpanSet => restricted(arg, filter, budget)
  switch (set.op) {
    case 'spans':
      return { op: 'spans', filter: set.filter ? bothOf(set.filter, filter) : filter }
    case 'or':
      return { op: 'or', args: set.args.map(inner) }
    case 'and':
      return whereAny(set, { op: 'or', args: set.args.map(inner) })
    case 'having':
      return whereAny(set, inner(set.arg))
    case 'related':
      return { ...set, right: inner(set.right) }
    default:
      return { ...set, among: inner(set.among ?? ALL) }
  }
}

/** Chains stay flat: a store takes only so many levels. */
function bothOf(first: Filter, second: Filter): Filter {
  return { op: 'and', args: [...(first.op === 'and' ? first.args : [first]), second] }
}

/** The spans of `among` where `set` has some. */
function whereAny(set: SpanSet, among: SpanSet): SpanSet {
  return { op: 'without', arg: { op: 'without', arg: set }, among }
}

function firstOfTrace(condition: Condition): TraceCondition | undefined {
  if (typeof condition === 'boolean') return undefined
  if (condition.op === 'trace') return condition
  if (condition.op !== 'and' && condition.op !== 'or') return undefined
  for (const arg of condition.args) {
    const found = firstOfTrace(arg)
    if (found) return found
  }
  return undefined
}

/** What is unknown may be true. */
function upper(condition: Condition): Condition {
  return mapped(condition, (leaf) => (leaf.op === 'unknown' ? true : leaf))
}

/** With what is known of one condition on the whole trace, and so of its opposite. */
function assumed(condition: Condition, known: TraceCondition, isTrue: boolean): Condition {
  const opposite = oppositeOf(known)
  return mapped(condition, (leaf) => {
    if (leaf.op !== 'trace' || leaf.field !== known.field || leaf.value !== known.value) return leaf
    return leaf.compare === known.compare ? isTrue : leaf.compare === opposite.compare ? !isTrue : leaf
  })
}

type Leaf = Exclude<Condition, boolean | { readonly op: 'and' | 'or' }>

function mapped(condition: Condition, of: (leaf: Leaf) => Condition): Condition {
  if (typeof condition === 'boolean') return condition
  if (!('args' in condition)) return of(condition)
  const args = condition.args.map((arg) => mapped(arg, of))
  return condition.op === 'and' ? all(args) : any(args)
}

/** Of what has no condition on the whole trace in it; undefined: it is true of every span. */
function filterOf(condition: Condition): Filter | undefined {
  if (condition === true) return undefined
  if (condition === false) return NEVER
  if (condition.op === 'filter') return condition.filter
  if (condition.op !== 'and' && condition.op !== 'or') throw new Error(`a filter of ${condition.op}`)
  return { op: condition.op, args: condition.args.map((arg) => filterOf(arg)!) }
}
