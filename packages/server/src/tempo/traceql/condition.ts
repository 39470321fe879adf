import type { Comparison, Filter, Target as StoreTarget } from '@spoor/storage'
import { UNKNOWN_SERVICE } from '@spoor/trace'
import type { AttributeTarget, Compare, Expression, IntrinsicTarget, Match, Scope, Target, Value } from './ast.ts'
import { matcherOf, type TextMatcher } from './match.ts'
import { compares, constantOf, flipped, isArithmetic } from './values.ts'

/**
 * What an expression asks of a span, in the words of the store; no sign stands before anything but a filter. `unknown`: what the store has no words for, which may be
 * true of any span.
 */
export type Condition =
  | boolean
  | { readonly op: 'filter'; readonly filter: Filter }
  | TraceCondition
  | { readonly op: 'unknown'; readonly at: number }
  | { readonly op: 'and' | 'or'; readonly args: readonly Condition[] }

/** Of the trace as a whole: the same for each of its spans. */
export interface TraceCondition {
  readonly op: 'trace'
  readonly field: 'duration' | 'rootName' | 'rootService'
  readonly compare: Comparison
  readonly value: string | number
}

/** As the store names them. */
export const COMPARISONS: Readonly<Record<Compare, Comparison>> = {
  '=': 'eq',
  '!=': 'ne',
  '<': 'lt',
  '<=': 'lte',
  '>': 'gt',
  '>=': 'gte',
}
const OPPOSITE: Readonly<Record<Comparison, Comparison>> = {
  eq: 'ne',
  ne: 'eq',
  lt: 'gte',
  lte: 'gt',
  gt: 'lte',
  gte: 'lt',
}
const LEVELS = { span: 'span', resource: 'resource', event: 'event', link: 'link', instrumentation: 'scope' } as const
const TRACE_FIELDS = { traceDuration: 'duration', rootName: 'rootName', rootServiceName: 'rootService' } as const

/** `isNot`: of its contrary. */
export function conditionOf(expression: Expression, isNot = false): Condition {
  switch (expression.op) {
    case 'static':
      return (expression.value === true) !== isNot
    case 'not':
      // What is not true or false, or not there, is neither true nor is its contrary.
      if (isTarget(expression.arg)) return negatedIf(isNot, compared(expression.arg, '=', false))
      return conditionOf(expression.arg, !isNot)
    case 'exists':
      return existing(expression.arg, expression.not !== isNot)
    case 'binary': {
      const { sign, left, right } = expression
      if (sign === '&&' || sign === '||') {
        const args = [conditionOf(left, isNot), conditionOf(right, isNot)]
        return (sign === '&&') !== isNot ? all(args) : any(args)
      }
      if (isArithmetic(sign)) return { op: 'unknown', at: expression.at }
      return negatedIf(isNot, comparison(expression, sign))
    }
    case 'minus':
      return { op: 'unknown', at: expression.at }
    default:
      return negatedIf(isNot, compared(expression, '=', true))
  }
}

/** What is true of a trace, and of no span in particular, the other way round. */
export function oppositeOf({ compare, ...rest }: TraceCondition): TraceCondition {
  return { ...rest, compare: OPPOSITE[compare] }
}

/** As the store has it; undefined: it has no such thing. */
export function storeTarget(target: Target): StoreTarget | undefined {
  if (target.op === 'attribute') return target.parent ? undefined : attributeTarget(target)
  switch (target.name) {
    case 'name':
    case 'status':
    case 'statusMessage':
    case 'kind':
    case 'duration':
      return { field: target.name }
    case 'trace:id':
      return { field: 'traceId' }
    case 'span:id':
      return { field: 'spanId' }
    case 'span:parentID':
      return { field: 'parentId' }
    case 'event:name':
      return { field: 'eventName' }
    case 'link:traceID':
      return { field: 'linkTraceId' }
    case 'link:spanID':
      return { field: 'linkSpanId' }
    case 'instrumentation:name':
      return { field: 'scopeName' }
    case 'instrumentation:version':
      return { field: 'scopeVersion' }
    default:
      return undefined
  }
}

function attributeTarget({ scope, name }: AttributeTarget): StoreTarget {
  if (isServiceName(scope, name)) return { field: 'service' }
  return scope === 'none' ? { attribute: name } : { attribute: name, level: LEVELS[scope] }
}

/** The same question as that of the service, and that one is quicker. */
export function isServiceName(scope: Scope, name: string): boolean {
  return name === 'service.name' && (scope === 'resource' || scope === 'none')
}

function isTarget(expression: Expression): expression is Target {
  return expression.op === 'attribute' || expression.op === 'intrinsic'
}

function comparison({ left, right, at }: Extract<Expression, { op: 'binary' }>, sign: Compare | Match): Condition {
  const [a, b] = [constantOf(left), constantOf(right)]
  if (sign === '=~' || sign === '!~') {
    const matcher = matcherOf(String(b))
    if (a !== undefined) return matcher.test(String(a)) === (sign === '=~')
    return isTarget(left) ? matched(left, matcher, sign === '!~') : { op: 'unknown', at }
  }
  if (a !== undefined && b !== undefined) return compares(a, sign, b)
  if (b !== undefined && isTarget(left)) return compared(left, sign, b)
  if (a !== undefined && isTarget(right)) return compared(right, flipped(sign), a)
  return { op: 'unknown', at }
}

function compared(target: Target, sign: Compare, wanted: Value): Condition {
  const compare = COMPARISONS[sign]
  if (target.op === 'intrinsic') {
    const { name } = target
    if (name === 'nestedSetParent') return ofRoots(target, sign, wanted)
    if (name === 'traceDuration') return { op: 'trace', field: 'duration', compare, value: Number(wanted) }
    if (name === 'rootName' || name === 'rootServiceName')
      return { op: 'trace', field: TRACE_FIELDS[name], compare, value: String(wanted) }
  }
  const found = storeTarget(target)
  if (!found) return { op: 'unknown', at: target.at }
  return filter({ op: compare, target: found, value: idOf(target, wanted) })
}

/** Ids as the store has them: in lower case, with all their digits. */
export function idOf(target: Target, value: Value): Value {
  if (target.op !== 'intrinsic' || !/^(?:trace:|span:|link:)/.test(target.name)) return value
  const digits = /trace(?:ID|:id)/.test(target.name) ? 32 : 16
  const text = String(value).toLowerCase()
  return text === '' ? text : text.padStart(digits, '0')
}

/** The numbers of nested sets are made for an answer; but that a root has -1, and all others more, can be asked of every span. */
function ofRoots({ at }: IntrinsicTarget, sign: Compare, wanted: Value): Condition {
  const others = [0, 1, 2 ** 31].map((number) => compares(number, sign, wanted))
  if (others.some((one) => one !== others[0])) return { op: 'unknown', at }
  const ofRoot = compares(-1, sign, wanted)
  if (ofRoot === others[0]) return ofRoot
  return filter({ op: ofRoot ? 'eq' : 'ne', target: { field: 'parentId' }, value: '' })
}

function matched(target: Target, matcher: TextMatcher, isNot: boolean): Condition {
  const found = storeTarget(target)
  if (!found) return { op: 'unknown', at: target.at }
  const { texts, pattern } = matcher
  const matches: Filter =
    texts === undefined
      ? { op: 'regex', target: found, value: pattern }
      : texts.length === 1
        ? { op: 'eq', target: found, value: texts[0]! }
        : { op: 'in', target: found, values: texts }
  if (!isNot) return filter(matches)
  const none: Filter = { op: 'not', arg: matches }
  return filter('field' in found && !isOfMany(found.field) ? none : { op: 'and', args: [isThere(found), none] })
}

function isOfMany(field: string): boolean {
  return field === 'eventName' || field === 'linkTraceId' || field === 'linkSpanId'
}

function existing(arg: Expression, isNot: boolean): Condition {
  if (!isTarget(arg)) return { op: 'unknown', at: arg.at }
  if (arg.op === 'intrinsic') {
    if (arg.name === 'parent') return filter({ op: isNot ? 'eq' : 'ne', target: { field: 'parentId' }, value: '' })
    if (!OPTIONAL.has(arg.name)) return !isNot
  }
  const found = storeTarget(arg)
  if (!found) return { op: 'unknown', at: arg.at }
  return negatedIf(isNot, filter(isThere(found)))
}

/** Fields that a span may be without. */
export const OPTIONAL: ReadonlySet<string> = new Set([
  'statusMessage',
  'span:parentID',
  'event:name',
  'event:timeSinceStart',
  'link:traceID',
  'link:spanID',
  'instrumentation:name',
  'instrumentation:version',
])

/** A span always has a service, be it one without a name. */
function isThere(target: StoreTarget): Filter {
  if ('field' in target && target.field === 'service') return { op: 'ne', target, value: UNKNOWN_SERVICE }
  return { op: 'exists', target }
}

function filter(of: Filter): Condition {
  return { op: 'filter', filter: of }
}

function negatedIf(isNot: boolean, condition: Condition): Condition {
  if (!isNot) return condition
  if (typeof condition === 'boolean') return !condition
  switch (condition.op) {
    case 'filter':
      return filter({ op: 'not', arg: condition.filter })
    case 'trace':
      return oppositeOf(condition)
    case 'unknown':
      return condition
    default: {
      const args = condition.args.map((arg) => negatedIf(true, arg))
      return condition.op === 'and' ? any(args) : all(args)
    }
  }
}

export function all(args: readonly Condition[]): Condition {
  return several('and', args)
}

export function any(args: readonly Condition[]): Condition {
  return several('or', args)
}

function several(op: 'and' | 'or', args: readonly Condition[]): Condition {
  const decisive = op === 'or'
  const left = args
    .flatMap((arg) => (typeof arg === 'object' && arg.op === op ? arg.args : [arg]))
    .filter((arg) => arg !== !decisive)
  if (left.includes(decisive)) return decisive
  return left.length === 0 ? !decisive : left.length === 1 ? left[0]! : { op, args: left }
}
