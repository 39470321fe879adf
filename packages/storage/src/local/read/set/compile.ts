import type { Comparison, Filter, Relation, SpanSet, Target, TraceField } from '../../../contract.ts'
import { compileFilter, NodeCount } from '../filter/compile.ts'
import type { Condition } from '../filter/condition.ts'
import { filterKey } from '../filter/filter-key.ts'
import { attributeTarget, type AttributeTarget } from '../span-view.ts'
import { badQuery } from '../filter/matcher.ts'
import type { Turn } from '../turn.ts'

/** A {@link SpanSet} that has been checked; filters stand in a list of their own, each once. */
export type SetNode =
  | { readonly op: 'spans'; readonly leaf: number | undefined }
  | { readonly op: 'and' | 'or'; readonly args: readonly SetNode[] }
  | { readonly op: 'without'; readonly arg: SetNode; readonly among: SetNode }
  | {
      readonly op: 'related'
      readonly relation: Relation
      readonly not: boolean
      readonly left: SetNode
      readonly right: SetNode
    }
  | {
      readonly op: 'having'
      readonly arg: SetNode
      readonly aggregate: Aggregate
      readonly of: NumberTarget
      readonly compare: Comparison
      readonly value: number
    }
  | {
      readonly op: 'trace'
      readonly among: SetNode
      readonly field: TraceField
      readonly compare: Comparison
      readonly value: string | number
    }

export type Aggregate = 'count' | 'min' | 'max' | 'sum' | 'avg'
/** What an aggregate is over. */
export type NumberTarget = 'duration' | 'start' | AttributeTarget

export interface CompiledSet {
  readonly root: SetNode
  readonly leaves: readonly Leaf[]
}

export interface Leaf {
  readonly filter: Filter
  /** See {@link filterKey}. */
  readonly key: string
  readonly condition: Condition
}

const ALL: SpanSet = { op: 'spans' }
const COMPARISONS: readonly Comparison[] = ['eq', 'ne', 'lt', 'lte', 'gt', 'gte']
const RELATIONS: readonly Relation[] = ['child', 'parent', 'descendant', 'ancestor', 'sibling']
const AGGREGATES: readonly Aggregate[] = ['count', 'min', 'max', 'sum', 'avg']
/** Whether the field is a name. */
const TRACE_FIELDS: Readonly<Record<TraceField, boolean>> = {
  requestDuration: false,
  duration: false,
  tail: false,
  spans: false,
  errors: false,
  rootService: true,
  rootName: true,
}

/** Throws StorageError `bad_query`, naming the place, for what is no set. What asking its filters costs is counted on `turn`. */
export function compileSet(set: SpanSet, turn: Turn, path = 'spans'): CompiledSet {
  const leaves: Leaf[] = []
  const numbers = new Map<string, number>()
  const count = new NodeCount()

  const leafOf = (filter: Filter, at: string, depth: number): number => {
    const condition = compileFilter(filter, turn, at === '' ? 'filter' : `${at}.filter`, count, depth + 1)
    const key = filterKey(filter)
    const known = numbers.get(key)
    if (known !== undefined) return known
    numbers.set(key, leaves.length)
    return leaves.push({ filter, key, condition }) - 1
  }

  const compile = (node: SpanSet, at: string, depth: number): SetNode => {
    count.enter(at, depth)
    const inner = (arg: SpanSet, name: string): SetNode => {
      if (!arg || typeof arg !== 'object') throw badQuery(at, `needs ${name}, a set of spans`)
      return compile(arg, `${at}.${name}`, depth + 1)
    }
    switch (node.op) {
      case 'spans':
        return { op: 'spans', leaf: node.filter && leafOf(node.filter, at, depth) }
      case 'and':
      case 'or':
        if (!Array.isArray(node.args) || node.args.length === 0)
          throw badQuery(at, 'needs args, a list of sets of spans')
        return { op: node.op, args: node.args.map((arg: SpanSet, i) => inner(arg, `args[${i}]`)) }
      case 'without':
        return { op: 'without', arg: inner(node.arg, 'arg'), among: inner(node.among ?? ALL, 'among') }
      case 'related':
        return {
          op: 'related',
          relation: oneOf(node.relation, RELATIONS, `${at}.relation`),
          not: node.not === true,
          left: inner(node.left, 'left'),
          right: inner(node.right, 'right'),
        }
      case 'having': {
        const { aggregate, value } = node
        if (typeof value !== 'number') throw badQuery(at, 'needs value, a number')
        return {
          op: 'having',
          arg: inner(node.arg, 'arg'),
          aggregate: oneOf(aggregate, AGGREGATES, `${at}.aggregate`),
          of: numberTarget(node.of, at),
          compare: oneOf(node.compare, COMPARISONS, `${at}.compare`),
          value,
        }
      }
      case 'trace': {
        const { field, value } = node
        if (!Object.hasOwn(TRACE_FIELDS, field))
          throw badQuery(at, `field is ${field}; one of ${Object.keys(TRACE_FIELDS).join(', ')}`)
        const type = TRACE_FIELDS[field] ? 'string' : 'number'
        if (typeof value !== type) throw badQuery(at, `needs value, a ${type}`)
        return {
          op: 'trace',
          among: inner(node.among ?? ALL, 'among'),
          field,
          compare: oneOf(node.compare, COMPARISONS, `${at}.compare`),
          value,
        }
      }
      default:
        throw badQuery(at, `unknown op ${String((node as { op: unknown }).op)}`)
    }
  }
  return { root: compile(set, path, 0), leaves }
}

function oneOf<T extends string>(value: unknown, known: readonly T[], path: string): T {
  if (!known.includes(value as T)) throw badQuery(path, `is ${String(value)}; one of ${known.join(', ')}`)
  return value as T
}

function numberTarget(target: Target | undefined, path: string): NumberTarget {
  if (target === undefined) return 'duration'
  if ('attribute' in target && typeof target.attribute === 'string') return attributeTarget(target)
  if ('field' in target && (target.field === 'duration' || target.field === 'start')) return target.field
  throw badQuery(path, 'of is not a number: the fields duration and start, and attributes')
}

/** Whether `actual` compares with `wanted` as asked: numbers by value, names by code units. */
export function holds<T extends string | number>(actual: T, compare: Comparison, wanted: T): boolean {
  switch (compare) {
    case 'eq':
      return actual === wanted
    case 'ne':
      return actual !== wanted
    case 'lt':
      return actual < wanted
    case 'lte':
      return actual <= wanted
    case 'gt':
      return actual > wanted
    default:
      return actual >= wanted
  }
}
