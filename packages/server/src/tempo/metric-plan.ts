import type { AggregateQuery, Filter, GroupKey, SpanSet } from '@spoor/storage'
import { first, type Query } from '../api/params.ts'
import { bad } from './params.ts'
import { groupKey } from './tags.ts'
import {
  compileTraceql,
  type Metric,
  parseTraceql,
  type SecondStage,
  type SeriesExpression,
  type Stage,
  type Target,
  TraceqlError,
} from './traceql/index.ts'

/** Numbers over time in the words of the store. */
export interface Plan {
  readonly metric: Metric
  readonly scope: Pick<AggregateQuery, 'spans'>
  /** Of a comparison, what is compared with the rest. */
  readonly selected: Pick<AggregateQuery, 'spans'>
  readonly groupBy: readonly GroupKey[]
  /** Undefined: the store counts it. Else each trace that may have spans of it is looked at, and `groupBy` is not used. */
  readonly again: readonly Stage[] | undefined
}

/** What was looked at for an answer. */
export interface Effort {
  bytes: number
  spans: number
  complete: boolean
}

/** What is reckoned of what is counted. */
export type PlanTree =
  | { readonly op: 'plan'; readonly plan: Plan }
  | { readonly op: 'number'; readonly value: number }
  | {
      readonly op: 'math'
      readonly sign: '+' | '-' | '*' | '/'
      readonly left: PlanTree
      readonly right: PlanTree
    }
  | { readonly op: 'then'; readonly of: PlanTree; readonly second: readonly SecondStage[] }

/** Questions to the store that one answer may take. */
const MAX_PLANS = 10

/** `q`. @throws TraceqlError for what the store cannot count */
export function planOf(query: Query): PlanTree {
  const text = first(query, 'q') ?? first(query, 'query')
  if (text === undefined) throw bad('parameter "q" is missing: a query for numbers over time, as { } | rate()')
  const { series } = parseTraceql(text)
  if (!series) throw new TraceqlError(text, 'numbers over time should stand here, as "| rate()"', text.length)
  let plans = 0
  const treeOf = (expression: SeriesExpression): PlanTree => {
    switch (expression.op) {
      case 'series':
        if (++plans > MAX_PLANS)
          throw new TraceqlError(text, `at most ${MAX_PLANS} of these are counted for one answer`, expression.at)
        return { op: 'plan', plan: onePlan(expression, text) }
      case 'number':
        return expression
      case 'math':
        return { ...expression, left: treeOf(expression.left), right: treeOf(expression.right) }
      default:
        return { ...expression, of: treeOf(expression.of) }
    }
  }
  return treeOf(series)
}

function onePlan({ stages, metric }: Extract<SeriesExpression, { op: 'series' }>, text: string): Plan {
  const { set, inexactAt } = compileTraceql(stages, text)
  const { of, by, name, comparison: compared } = metric
  const selected = compared && compileTraceql([...stages, { op: 'set', set: compared.selection }], text)
  const unknownAt = inexactAt ?? selected?.inexactAt
  if (compared && unknownAt !== undefined)
    throw new TraceqlError(text, 'what is compared cannot be counted by this: the store has no words for it', unknownAt)
  const isOfDuration = !of || (of.op === 'intrinsic' && of.name === 'duration')
  const keys = by.map((target) => groupKey(target) ?? (isOfRoots(set) ? rootKey(target) : undefined))
  const groupBy = keys.filter((key) => key !== undefined)
  const isCounted =
    inexactAt === undefined &&
    isOfDuration &&
    groupBy.length === keys.length &&
    (name !== 'histogram_over_time' || by.length === 0)
  return {
    metric,
    scope: scopeOf(set),
    selected: scopeOf(selected?.set),
    groupBy,
    again: isCounted ? undefined : stages,
  }
}

/** Of a root, what is asked of its trace. A trace of several roots has the name of its first: there, each counts by its own. */
function rootKey(target: Target): GroupKey | undefined {
  if (target.op !== 'intrinsic') return undefined
  return target.name === 'rootName'
    ? { field: 'name' }
    : target.name === 'rootServiceName'
      ? { field: 'service' }
      : undefined
}

/** Whether each span of a set is a root, as far as it is plain to see. */
function isOfRoots(set: SpanSet | undefined): boolean {
  switch (set?.op) {
    case 'spans':
      return set.filter !== undefined && isRoot(set.filter)
    case 'trace':
      return isOfRoots(set.among)
    default:
      return false
  }
}

function isRoot(filter: Filter): boolean {
  if (filter.op === 'and') return filter.args.some(isRoot)
  return filter.op === 'eq' && 'field' in filter.target && filter.target.field === 'parentId' && filter.value === ''
}

function scopeOf(set: SpanSet | undefined): Pick<AggregateQuery, 'spans'> {
  return set ? { spans: set } : {}
}

/** As it is written. */
export function labelOf(target: Target): string {
  if (target.op === 'intrinsic') return target.name
  return `${target.scope === 'none' ? '' : target.scope}.${target.name}`
}
