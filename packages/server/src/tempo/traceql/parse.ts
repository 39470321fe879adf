import type { Relation } from '@spoor/storage'
import type { Arithmetic, Compare, Scalar, ScalarFilter, SetExpression, Stage, Target, Traceql } from './ast.ts'
import { Cursor } from './cursor.ts'
import { TraceqlError } from './error.ts'
import { parseExpression, parseFilter } from './expression.ts'
import { type Sign, tokenize } from './lexer.ts'
import { isMetric, parseHints, parseMetric, parseTargets } from './parse-metric.ts'
import { checkIs, isOfSpan } from './types.ts'

/** Characters. */
const MAX_LENGTH = 8192
const AGGREGATES = ['count', 'min', 'max', 'sum', 'avg'] as const
const COMPARES: readonly Sign[] = ['=', '!=', '<', '<=', '>', '>=']
const ARITHMETIC: readonly Sign[] = ['+', '-', '*', '/', '%', '^']
/** What stands between two sets: the spans of the right one that are it of one of the left; of `union`, both. */
const RELATIONS: ReadonlyMap<Sign, readonly [Relation, 'plain' | 'not' | 'union']> = new Map(
  Object.entries({ child: '>', parent: '<', descendant: '>>', ancestor: '<<', sibling: '~' }).flatMap(
    ([relation, sign]) =>
      (['plain', 'not', 'union'] as const).map((how, i) => {
        const own = `${['', '!', '&'][i]}${sign}` as Sign
        return [own, [relation as Relation, how]] as const
      }),
  ),
)
const BINDS: ReadonlyMap<Sign, number> = new Map<Sign, number>([
  ['&&', 1],
  ['||', 1],
  ...[...COMPARES, ...RELATIONS.keys()].map((sign) => [sign, 2] as const),
  ['+', 3],
  ['-', 3],
  ['*', 5],
  ['/', 5],
  ['%', 5],
  ['^', 6],
])
const POSSIBLE = 'a set of spans in braces, an aggregate (count(), avg(duration)), by(…), select(…) or coalesce()'

/** What stands between two bars, or in parentheses. */
type Operand =
  | { readonly kind: 'set'; readonly set: SetExpression }
  | { readonly kind: 'scalar'; readonly scalar: Scalar }
  | { readonly kind: 'filter'; readonly filter: ScalarFilter }

/** Reads TraceQL. What is not supported is told as what cannot be read is. @throws TraceqlError */
export function parseTraceql(text: string): Traceql {
  if (text.length > MAX_LENGTH)
    throw new TraceqlError(text, `the query has ${text.length} characters; at most ${MAX_LENGTH} are read`, MAX_LENGTH)
  const cursor = new Cursor(text, tokenize(text))
  const stages: Stage[] = []
  let metric: Traceql['metric']
  do {
    if (stages.length > 0 && isMetric(cursor)) metric = parseMetric(cursor)
    else stages.push(parseStage(cursor, stages.length === 0))
  } while (!metric && cursor.takeSign('|'))
  parseHints(cursor)
  if (cursor.token.type !== 'end')
    throw cursor.unexpected(
      metric ? '"| topk(…)", a comparison, with (…) or the end' : '"|", a sign between sets or the end',
    )
  return { stages, metric }
}

function parseStage(cursor: Cursor, isFirst: boolean): Stage {
  const stage = parseWordStage(cursor, isFirst)
  if (stage) return stage
  const operand = parseOperands(cursor)
  if (operand.kind === 'scalar') throw cursor.unexpected('a comparison, as in count() > 2,')
  return stageOf(operand)
}

function stageOf(operand: Exclude<Operand, { kind: 'scalar' }>): Stage {
  return operand.kind === 'set' ? { op: 'set', set: operand.set } : operand.filter
}

function parseWordStage(cursor: Cursor, isFirst: boolean): Stage | undefined {
  const { token } = cursor
  if (token.type !== 'word') return undefined
  const { at, text } = token
  switch (text) {
    case 'by': {
      cursor.take()
      cursor.expect('(')
      const start = cursor.at
      const expression = parseExpression(cursor)
      if (!isOfSpan(expression))
        throw cursor.fail('by() is of a value of the span, as in by(resource.service.name)', start)
      const inner = cursor.text.slice(start, cursor.end)
      cursor.close(')', at)
      return { op: 'by', expression, text: inner, at }
    }
    case 'select': {
      cursor.take()
      return { op: 'select', targets: parseTargets(cursor), at }
    }
    case 'coalesce':
      if (isFirst) throw cursor.fail('coalesce() comes after what by() has made')
      cursor.take()
      cursor.expect('(')
      cursor.close(')', at)
      return { op: 'coalesce', at }
    default:
      return undefined
  }
}

function parseOperands(cursor: Cursor, least = 1): Operand {
  let left = parseOperand(cursor)
  for (;;) {
    const sign = cursor.sign()
    const binds = sign && BINDS.get(sign)
    if (binds === undefined || binds < least) return left
    const { at } = cursor.take()
    const before = left
    const right = cursor.deeper(() => parseOperands(cursor, sign === '^' ? binds : binds + 1))
    left = combined(cursor, sign!, before, right, at)
  }
}

function combined(cursor: Cursor, sign: Sign, left: Operand, right: Operand, at: number): Operand {
  if (left.kind === 'set' && right.kind === 'set') {
    const sides = { left: left.set, right: right.set, at }
    if (sign === '&&') return { kind: 'set', set: { op: 'both', ...sides } }
    if (sign === '||') return { kind: 'set', set: { op: 'either', ...sides } }
    const found = RELATIONS.get(sign)
    if (found) return { kind: 'set', set: { op: 'related', relation: found[0], how: found[1], ...sides } }
  }
  if (left.kind === 'scalar' && right.kind === 'scalar') {
    const sides = { left: left.scalar, right: right.scalar, at }
    if (COMPARES.includes(sign) && !hasAggregate(left.scalar) && !hasAggregate(right.scalar))
      throw cursor.fail('numbers alone say nothing of spans: an aggregate should stand on one side, as count()', at)
    if (COMPARES.includes(sign)) return { kind: 'filter', filter: { op: 'scalar', compare: sign as Compare, ...sides } }
    if (ARITHMETIC.includes(sign))
      return { kind: 'scalar', scalar: { op: 'arithmetic', sign: sign as Arithmetic, ...sides } }
  }
  throw cursor.fail(
    `"${sign}" does not stand between these: between sets of spans stand && || > >> < << ~ (also after ! and &), between numbers and aggregates + - * / % ^ and comparisons`,
    at,
  )
}

function hasAggregate(scalar: Scalar): boolean {
  if (scalar.op === 'arithmetic') return hasAggregate(scalar.left) || hasAggregate(scalar.right)
  return scalar.op === 'aggregate'
}

function parseOperand(cursor: Cursor): Operand {
  const { token } = cursor
  const { at } = token
  const filter = parseFilter(cursor)
  if (filter) return { kind: 'set', set: filter }
  if (cursor.takeSign('(')) return cursor.deeper(() => parseParentheses(cursor, at))
  const isMinus = cursor.takeSign('-')
  const number = cursor.token
  if (number.type === 'number') {
    cursor.take()
    return { kind: 'scalar', scalar: { op: 'number', value: Number(number.value) * (isMinus ? -1 : 1), at } }
  }
  if (isMinus) throw cursor.unexpected('a number')
  const aggregate = token.type === 'word' ? AGGREGATES.find((each) => each === token.text) : undefined
  if (!aggregate) {
    if (isMetric(cursor)) throw cursor.fail('numbers over time come after a set and a bar, as in { } | rate()')
    throw cursor.unexpected(POSSIBLE)
  }
  cursor.take()
  cursor.expect('(')
  const of = aggregate === 'count' ? undefined : parseExpression(cursor)
  cursor.close(')', at)
  if (of) {
    checkIs(cursor, 'number', of, `${aggregate}()`)
    if (!isOfSpan(of))
      throw cursor.fail(`${aggregate}() is of a value of the span, as in ${aggregate}(duration)`, of.at)
  }
  return { kind: 'scalar', scalar: { op: 'aggregate', aggregate, of, text: cursor.text.slice(at, cursor.end), at } }
}

function parseParentheses(cursor: Cursor, open: number): Operand {
  const stages: Stage[] = []
  for (;;) {
    const isFirst = stages.length === 0
    if (!isFirst && isMetric(cursor))
      throw cursor.fail(
        'numbers over time do not stand in parentheses here: reckoning with two of them is not supported',
      )
    const stage = parseWordStage(cursor, isFirst)
    if (stage) stages.push(stage)
    else {
      const operand = parseOperands(cursor)
      if (operand.kind !== 'scalar') stages.push(stageOf(operand))
      else if (isFirst) {
        cursor.close(')', open)
        return operand
      } else if (cursor.sign() === ')') {
        const reason = 'the aggregate of a set in parentheses is not supported; compare it inside: ({ } | count() > 2)'
        throw cursor.fail(reason, operand.scalar.at)
      } else throw cursor.unexpected('a comparison')
    }
    if (!cursor.takeSign('|')) break
  }
  cursor.close(')', open)
  const [first] = stages as [Stage]
  const set = stages.length === 1 && first.op === 'set' ? first.set : ({ op: 'pipeline', stages, at: open } as const)
  return { kind: 'set', set }
}

/** One attribute or field alone, as `resource.service.name` or `span:kind`. @throws TraceqlError */
export function parseTarget(text: string): Target {
  const cursor = new Cursor(text, tokenize(text))
  const target = cursor.target()
  if (!target)
    throw cursor.unexpected('an attribute (.name, span.name, resource.name) or a field (duration, name, status)')
  if (cursor.token.type !== 'end') throw cursor.unexpected('the end')
  return target
}
