import type { SpanSet, Target } from '@spoor/storage'
import type { Scalar, ScalarFilter, SetExpression, Stage } from './ast.ts'
import { COMPARISONS, type Condition, conditionOf, storeTarget } from './condition.ts'
import { TraceqlError } from './error.ts'
import { ALL, firstUnknown, narrow } from './narrow.ts'
import { INVERSE } from './relations.ts'
import { flipped, writtenNumber } from './values.ts'

/** A query in the words of the store. */
export interface Compiled {
  /** Undefined: every span. */
  readonly set: SpanSet | undefined
  /**
   * Undefined: the set has exactly the spans that are asked for. Else the set has all of them and perhaps others, as the store has no words for what stands
   * here; what it finds has to be looked at again.
   */
  readonly inexactAt: number | undefined
  /** Whether the spans of a trace make several sets. */
  readonly isGrouped: boolean
}

/** A set, which may have too many spans from the first place on that the store has no words for. */
interface Bound {
  readonly set: SpanSet
  readonly inexactAt: number | undefined
}

/** A store takes 1,000; many that are made fall away. */
const MAX_NODES = 3_000
/** Of sets and filters together. */
const MAX_DEPTH = 60

/** @throws TraceqlError for what is too much */
export function compileTraceql(stages: readonly Stage[], text: string): Compiled {
  const compiler = new Compiler(text)
  const { set, inexactAt } = compiler.pipeline(stages, { set: ALL, inexactAt: undefined })
  return { set: set === ALL ? undefined : set, inexactAt, isGrouped: compiler.isGrouped }
}

/** Of sets and filters in one another. `known`: what stands in several places is looked at once. */
function depthOf(node: object, known: Map<object, number>): number {
  const before = known.get(node)
  if (before !== undefined) return before
  const inner = Object.values(node).filter((value): value is object => typeof value === 'object')
  const depth = Number('op' in node) + inner.reduce((most, one) => Math.max(most, depthOf(one, known)), 0)
  known.set(node, depth)
  return depth
}

class Compiler {
  readonly #text: string
  isGrouped = false
  readonly #budget = { nodes: MAX_NODES }
  readonly #depths = new Map<object, number>()

  constructor(text: string) {
    this.#text = text
  }

  /** Signs that follow one another make sets in sets. */
  #checked(bound: Bound, at: number): Bound {
    const depth = depthOf(bound.set, this.#depths)
    if (depth <= MAX_DEPTH) return bound
    const reason = `up to here signs go ${depth} levels deep, and a store takes ${MAX_DEPTH}: ask for less at once`
    throw new TraceqlError(this.#text, reason, at)
  }

  /** `base`: the spans that come in. */
  pipeline(stages: readonly Stage[], base: Bound): Bound {
    let bound = base
    let isGrouped = false
    for (const stage of stages) {
      switch (stage.op) {
        case 'set':
          // Of several sets each is asked for itself, and has fewer spans than all of them.
          if (isGrouped && stage.set.op !== 'filter') bound = inexact(bound, stage.set.at)
          bound = this.#set(stage.set, bound)
          break
        case 'scalar':
          bound = isGrouped ? inexact(bound, stage.at) : (this.#ofSets(stage, bound) ?? having(stage, bound))
          break
        case 'by':
          isGrouped = this.isGrouped = true
          break
        case 'coalesce':
          isGrouped = false
      }
    }
    return bound
  }

  /** Of numbers of sets of their own: what is in one of these. Undefined: they are of none. */
  #ofSets({ left, right, at }: ScalarFilter, base: Bound): Bound | undefined {
    const sets = [left, right].flatMap(setsIn).map((stages) => this.pipeline(stages, base).set)
    return sets.length === 0
      ? undefined
      : this.#checked({ set: { op: 'or', args: flat('or', sets) }, inexactAt: at }, at)
  }

  #set(expression: SetExpression, base: Bound): Bound {
    return this.#checked(this.#unchecked(expression, base), expression.at)
  }

  #unchecked(expression: SetExpression, base: Bound): Bound {
    switch (expression.op) {
      case 'filter':
        return expression.expression ? this.#filter(conditionOf(expression.expression), base, expression.at) : base
      case 'pipeline':
        return this.pipeline(expression.stages, base)
    }
    const left = this.#set(expression.left, base)
    const right = this.#set(expression.right, base)
    const inexactAt = left.inexactAt ?? right.inexactAt
    const both = [left.set, right.set]
    if (expression.op === 'both') return { set: { op: 'and', args: flat('and', both) }, inexactAt }
    if (expression.op === 'either') return { set: { op: 'or', args: flat('or', both) }, inexactAt }
    const { relation, how } = expression
    // Of too many spans on the left, too few on the right would be none of theirs.
    if (how === 'not' && left.inexactAt !== undefined) return { set: right.set, inexactAt }
    const set: SpanSet = {
      op: 'related',
      relation,
      ...(how === 'not' && { not: true }),
      left: left.set,
      right: right.set,
    }
    if (how !== 'union') return { set, inexactAt }
    const back: SpanSet = { op: 'related', relation: INVERSE[relation], left: right.set, right: left.set }
    return { set: { op: 'or', args: [set, back] }, inexactAt }
  }

  #filter(condition: Condition, { set, inexactAt }: Bound, at: number): Bound {
    const narrowed = narrow(set, condition, this.#budget)
    if (narrowed) return { set: narrowed, inexactAt: inexactAt ?? firstUnknown(condition) }
    const reason =
      'this asks for more cases at once than a store takes; ask for less: fewer conditions on the whole trace, fewer sets after one another'
    throw new TraceqlError(this.#text, reason, at)
  }
}

function inexact({ set, inexactAt }: Bound, at: number): Bound {
  return { set, inexactAt: inexactAt ?? at }
}

/** Chains stay flat: a store takes only so many levels. */
function flat(op: 'and' | 'or', sets: readonly SpanSet[]): SpanSet[] {
  return sets.flatMap((set) => (set.op === op ? set.args : [set]))
}

function setsIn(scalar: Scalar): (readonly Stage[])[] {
  if (scalar.op === 'of') return [scalar.stages]
  return scalar.op === 'arithmetic' ? [...setsIn(scalar.left), ...setsIn(scalar.right)] : []
}

function having(filter: ScalarFilter, base: Bound): Bound {
  const [left, right] = [writtenNumber(filter.left), writtenNumber(filter.right)]
  const [aggregate, compare, value] =
    right !== undefined ? [filter.left, filter.compare, right] : [filter.right, flipped(filter.compare), left]
  const of = aggregate.op === 'aggregate' ? numberOf(aggregate) : undefined
  if (base.inexactAt !== undefined || value === undefined || aggregate.op !== 'aggregate' || !of)
    return inexact(base, filter.at)
  const set: SpanSet = {
    op: 'having',
    arg: base.set,
    aggregate: aggregate.aggregate,
    ...(of !== 'spans' && { of }),
    compare: COMPARISONS[compare],
    value,
  }
  return { set, inexactAt: undefined }
}

/** What the store can take a number of; undefined: it cannot. */
function numberOf({ of }: Extract<Scalar, { op: 'aggregate' }>): Target | 'spans' | undefined {
  if (!of) return 'spans'
  const target = of.op === 'attribute' || of.op === 'intrinsic' ? storeTarget(of) : undefined
  return target && (!('field' in target) || target.field === 'duration') ? target : undefined
}
