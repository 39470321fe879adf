import type { Relation } from '@spoor/storage'
import { UNKNOWN_SERVICE } from '@spoor/trace'
import { compareStarts, serviceOf, type SpanNode, type TraceSpan } from '../trace-spans.ts'
import type { Expression, Scalar, ScalarFilter, SetExpression, Stage, Value } from './ast.ts'
import { idOf, isServiceName, OPTIONAL } from './condition.ts'
import { matcherOf } from './match.ts'
import { INVERSE } from './relations.ts'
import { asNumber, compares, constantOf, flipped, isArithmetic, reckon } from './values.ts'
import { type TraceFacts, valuesOf } from './span-values.ts'

/** Spans of a trace that belong together: all that were found, or those that `by()` has put together. */
export interface SpanGroup {
  /** By their start. */
  readonly spans: readonly TraceSpan[]
  /** What was said of them together, by how it was written: `by(name)`, `avg(duration)`. Undefined: they have no such value. */
  readonly values: ReadonlyMap<string, Value | undefined>
}

/**
 * What a query finds in one trace, which is here: all that the language has, where a store has not. `spans`: those that may be in a set, by their start.
 *
 * Where a store has words for the whole of a query, it finds the same spans.
 */
export function evaluate(
  stages: readonly Stage[],
  spans: readonly TraceSpan[],
  trace: TraceFacts,
): readonly SpanGroup[] {
  return spans.length === 0 ? [] : pipeline(stages, [{ spans, values: new Map() }], trace)
}

function pipeline(stages: readonly Stage[], input: readonly SpanGroup[], trace: TraceFacts): readonly SpanGroup[] {
  let groups = input
  for (const stage of stages) {
    switch (stage.op) {
      case 'set':
        groups = groups.map(({ spans, values }) => ({ spans: setOf(stage.set, spans, trace), values }))
        break
      case 'scalar':
        groups = groups.flatMap((group) => scalarOf(stage, group, trace))
        break
      case 'by':
        groups = groups.flatMap((group) => groupsOf(stage.expression, `by(${stage.text})`, group, trace))
        break
      case 'coalesce':
        groups = [{ spans: union(groups.map(({ spans }) => spans)), values: new Map() }]
    }
    groups = groups.filter(({ spans }) => spans.length > 0)
  }
  return groups
}

function setOf(set: SetExpression, members: readonly TraceSpan[], trace: TraceFacts): readonly TraceSpan[] {
  switch (set.op) {
    case 'filter': {
      const { expression } = set
      return expression ? members.filter((span) => holds(expression, span, trace)) : members
    }
    case 'pipeline':
      return spansOf(set.stages, members, trace)
  }
  const [left, right] = [setOf(set.left, members, trace), setOf(set.right, members, trace)]
  if (set.op === 'either') return union([left, right])
  if (set.op === 'both') return left.length > 0 && right.length > 0 ? union([left, right]) : []
  const isIt = related(set.relation, left)
  if (set.how === 'not') return right.filter(({ node }) => !isIt(node))
  const found = right.filter(({ node }) => isIt(node))
  if (set.how === 'plain') return found
  const isBack = related(INVERSE[set.relation], right)
  return union([found, left.filter(({ node }) => isBack(node))])
}

/** Whether a span is the relation of one of these. */
function related(relation: Relation, members: readonly TraceSpan[]): (node: SpanNode) => boolean {
  const nodes = new Set(members.map(({ node }) => node))
  switch (relation) {
    case 'child':
      return ({ parent }) => parent !== undefined && nodes.has(parent)
    case 'parent': {
      const parents = new Set(members.map(({ node }) => node.parent))
      return (node) => parents.has(node)
    }
    case 'sibling': {
      const ofParent = Map.groupBy(nodes, ({ parent }) => parent)
      return (node) => node.parent !== undefined && (ofParent.get(node.parent) ?? []).some((one) => one !== node)
    }
    case 'descendant': {
      const known = new Map<SpanNode, boolean>()
      return (node) => isBelow(node, nodes, known)
    }
    default: {
      const above = new Set<SpanNode>()
      for (const node of nodes) for (let at = node.parent; at && !above.has(at); at = at.parent) above.add(at)
      return (node) => above.has(node)
    }
  }
}

/** Whether one of these is above it. Each span is asked once. */
function isBelow(start: SpanNode, nodes: ReadonlySet<SpanNode>, known: Map<SpanNode, boolean>): boolean {
  const path: SpanNode[] = []
  let found = false
  for (let at: SpanNode | undefined = start; at; at = at.parent) {
    const before = known.get(at)
    if (before !== undefined) {
      found = before
      break
    }
    known.set(at, false)
    path.push(at)
    if (at.parent && nodes.has(at.parent)) {
      found = true
      break
    }
  }
  for (const node of path) known.set(node, found)
  return found
}

function union(lists: readonly (readonly TraceSpan[])[]): readonly TraceSpan[] {
  if (lists.length === 1) return lists[0]!
  const all = [...new Set(lists.flat())]
  return all.sort(compareStarts)
}

function groupsOf(expression: Expression, name: string, group: SpanGroup, trace: TraceFacts): readonly SpanGroup[] {
  const byValue = Map.groupBy(group.spans, (span) => {
    const [value] = evaluated(expression, span, trace)
    return value === undefined ? '' : `${typeof value} ${value}`
  })
  return [...byValue.values()].map((spans) => ({
    spans,
    values: new Map([...group.values, [name, evaluated(expression, spans[0]!, trace)[0]]]),
  }))
}

function scalarOf({ left, right, compare }: ScalarFilter, group: SpanGroup, trace: TraceFacts): readonly SpanGroup[] {
  const values = new Map(group.values)
  const [a, b] = [left, right].map((scalar) => numberOf(scalar, group.spans, trace, values))
  if (a === undefined || b === undefined || !compares(a, compare, b)) return []
  const sets = [left, right].flatMap(ofSets)
  if (sets.length === 0) return [{ spans: group.spans, values }]
  return [{ spans: union(sets.map(({ stages }) => spansOf(stages, group.spans, trace))), values }]
}

/** The sets of their own that a number is of. */
function ofSets(scalar: Scalar): readonly SetScalar[] {
  if (scalar.op === 'of') return [scalar]
  return scalar.op === 'arithmetic' ? [...ofSets(scalar.left), ...ofSets(scalar.right)] : []
}

type SetScalar = Extract<Scalar, { op: 'of' }>

function spansOf(stages: readonly Stage[], members: readonly TraceSpan[], trace: TraceFacts): readonly TraceSpan[] {
  return union(pipeline(stages, [{ spans: members, values: new Map() }], trace).map(({ spans }) => spans))
}

/** Undefined: there are no numbers. What aggregates are is put among `values`. */
function numberOf(
  scalar: Scalar,
  spans: readonly TraceSpan[],
  trace: TraceFacts,
  values: Map<string, Value | undefined>,
): number | undefined {
  switch (scalar.op) {
    case 'number':
      return scalar.value
    case 'arithmetic': {
      const [a, b] = [scalar.left, scalar.right].map((side) => numberOf(side, spans, trace, values))
      return a === undefined || b === undefined ? undefined : reckon(scalar.sign, a, b)
    }
    case 'of': {
      const number = numberOf(scalar.scalar, spansOf(scalar.stages, spans, trace), trace, new Map())
      values.set(scalar.text, number)
      return number
    }
    default: {
      const number = aggregated(scalar, spans, trace)
      values.set(scalar.text, number)
      return number
    }
  }
}

function aggregated(
  { aggregate, of }: Extract<Scalar, { op: 'aggregate' }>,
  spans: readonly TraceSpan[],
  trace: TraceFacts,
): number | undefined {
  if (!of) return spans.length
  let [count, sum, min, max] = [0, 0, Infinity, -Infinity]
  for (const span of spans) {
    for (const value of evaluated(of, span, trace)) {
      const number = asNumber(value)
      if (number === undefined) continue
      count++
      sum += Number(number)
      min = Math.min(min, Number(number))
      max = Math.max(max, Number(number))
    }
  }
  if (count === 0) return undefined
  return { count, min, max, sum, avg: sum / count }[aggregate]
}

function holds(expression: Expression, span: TraceSpan, trace: TraceFacts): boolean {
  switch (expression.op) {
    case 'static':
      return expression.value === true
    case 'not': {
      const { arg } = expression
      const isTarget = arg.op === 'attribute' || arg.op === 'intrinsic'
      return isTarget
        ? valuesOf(arg, span, trace).some((value) => compares(value, '=', false))
        : !holds(arg, span, trace)
    }
    case 'exists':
      return isThere(expression.arg, span, trace) !== expression.not
    case 'binary': {
      const { sign, left, right } = expression
      if (sign === '&&') return holds(left, span, trace) && holds(right, span, trace)
      if (sign === '||') return holds(left, span, trace) || holds(right, span, trace)
      return comparison(expression, span, trace)
    }
    default:
      return evaluated(expression, span, trace).some((value) => compares(value, '=', true))
  }
}

function comparison(
  { sign, left, right }: Extract<Expression, { op: 'binary' }>,
  span: TraceSpan,
  trace: TraceFacts,
): boolean {
  const values = evaluated(left, span, trace)
  if (sign === '=~' || sign === '!~') {
    const matcher = matcherOf(String(constantOf(right)))
    const isIn = values.some((value) => matcher.test(String(value)))
    return sign === '=~' ? isIn : values.length > 0 && !isIn
  }
  if (sign === '&&' || sign === '||' || isArithmetic(sign)) return false
  const isLeft = constantOf(left) !== undefined && constantOf(right) === undefined
  const others = evaluated(right, span, trace)
  const [asked, compare, wanted] = isLeft ? [others, flipped(sign), values] : [values, sign, others]
  const target = isLeft ? right : left
  const isTarget = target.op === 'intrinsic'
  const want = wanted.map((value) => (isTarget ? idOf(target, value) : value))
  // Of several values, that none of them is it.
  if (compare === '!=') {
    return asked.length > 0 && want.length > 0 && !asked.some((value) => want.some((one) => compares(value, '=', one)))
  }
  return asked.some((value) => want.some((one) => compares(value, compare, one)))
}

function isThere(arg: Expression, span: TraceSpan, trace: TraceFacts): boolean {
  if (arg.op === 'intrinsic') {
    if (arg.name === 'parent') return span.span.parentSpanId !== ''
    return !OPTIONAL.has(arg.name) || valuesOf(arg, span, trace).some((value) => value !== '')
  }
  if (arg.op === 'attribute' && !arg.parent && isServiceName(arg.scope, arg.name))
    return serviceOf(span) !== UNKNOWN_SERVICE
  return evaluated(arg, span, trace).length > 0
}

/** The values of an expression on one span: none, one, or several of an attribute. */
function evaluated(expression: Expression, span: TraceSpan, trace: TraceFacts): readonly Value[] {
  switch (expression.op) {
    case 'static':
      return [expression.value]
    case 'attribute':
    case 'intrinsic':
      return valuesOf(expression, span, trace)
    case 'minus':
      return numbersOf(expression.arg, span, trace).map((number) => -number)
    case 'binary': {
      const { sign, left, right } = expression
      if (!isArithmetic(sign)) return [holds(expression, span, trace)]
      const [a] = numbersOf(left, span, trace)
      const [b] = numbersOf(right, span, trace)
      return a === undefined || b === undefined ? [] : [reckon(sign, a, b)]
    }
    default:
      return [holds(expression, span, trace)]
  }
}

function numbersOf(expression: Expression, span: TraceSpan, trace: TraceFacts): number[] {
  return evaluated(expression, span, trace).flatMap((value) => {
    const number = asNumber(value)
    return number === undefined ? [] : [Number(number)]
  })
}
