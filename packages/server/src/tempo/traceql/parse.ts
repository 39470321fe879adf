import type { Relation } from '@spoor/storage'
import type {
  Arithmetic,
  Compare,
  Scalar,
  ScalarFilter,
  SeriesExpression,
  SetExpression,
  Stage,
  Target,
  Traceql,
} from './ast.ts'
import { Cursor } from './cursor.ts'
import { TraceqlError } from './error.ts'
import { parseExpression, parseFilter } from './expression.ts'
import { type Sign, tokenize } from './lexer.ts'
import { isMetric, parseHints, parseMetric, parseSecondStages, parseTargets } from './parse-metric.ts'
import { checkIs, isOfSpan } from './types.ts'
import { writtenNumber } from './values.ts'

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
  | { readonly kind: 'series'; readonly series: SeriesExpression }

/** Reads TraceQL. What is not supported is told as what cannot be read is. @throws TraceqlError */
export function parseTraceql(text: string): Traceql {
  if (text.length > MAX_LENGTH)
    throw new TraceqlError(text, `the query has ${text.length} characters; at most ${MAX_LENGTH} are read`, MAX_LENGTH)
  const cursor = new Cursor(text, tokenize(text))
  const opening = parseWordStage(cursor, true) ?? parseOperands(cursor)
  const query =
    'kind' in opening && opening.kind === 'series'
      ? { stages: [], series: opening.series }
      : parsePipeline(cursor, opening)
  const series = query.series && parseSecondStages(cursor, query.series)
  parseHints(cursor)
  if (cursor.token.type !== 'end')
    throw cursor.unexpected(
      series ? '"| topk(…)", a comparison, with (…) or the end' : '"|", a sign between sets or the end',
    )
  return { ...query, series }
}

/** Behind what stands first. */
function parsePipeline(cursor: Cursor, opening: Stage | Operand): Traceql {
  const stages = [stageOf(cursor, opening)]
  while (cursor.takeSign('|')) {
    const { at } = cursor
    if (isMetric(cursor)) return { stages: [], series: { op: 'series', stages, metric: parseMetric(cursor), at } }
    stages.push(parseStage(cursor))
  }
  return { stages, series: undefined }
}

function parseStage(cursor: Cursor): Stage {
  return parseWordStage(cursor, false) ?? stageOf(cursor, parseOperands(cursor))
}

function stageOf(cursor: Cursor, part: Stage | Operand): Stage {
  if (!('kind' in part)) return part
  switch (part.kind) {
    case 'set':
      return { op: 'set', set: part.set }
    case 'filter':
      return part.filter
    case 'scalar':
      throw cursor.unexpected('a comparison, as in count() > 2,')
    default:
      throw cursor.fail('numbers over time stand alone, and in no pipeline', part.series.at)
  }
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
  const series = combinedSeries(sign, left, right, at)
  if (series) return { kind: 'series', series }
  throw cursor.fail(
    `"${sign}" does not stand between these: between sets of spans stand && || > >> < << ~ (also after ! and &), between numbers and aggregates + - * / % ^ and comparisons`,
    at,
  )
}

/** Series with series or a number; undefined: they are not, or the sign does not stand between such. */
function combinedSeries(sign: Sign, left: Operand, right: Operand, at: number): SeriesExpression | undefined {
  const [a, b] = [seriesOf(left), seriesOf(right)]
  if (!a || !b) return undefined
  // A duration only compares, and is not reckoned with.
  const hasDuration = [left, right].some((side) => side.kind === 'scalar' && isOfDuration(side.scalar))
  if (hasDuration && !(right.kind === 'scalar' && right.scalar.op === 'number' && COMPARES.includes(sign)))
    return undefined
  if (sign === '+' || sign === '-' || sign === '*' || sign === '/') return { op: 'math', sign, left: a, right: b, at }
  if (!COMPARES.includes(sign) || b.op !== 'number') return undefined
  return { op: 'then', of: a, second: [{ op: 'compare', compare: sign as Compare, value: b.value }], at }
}

function seriesOf(operand: Operand): SeriesExpression | undefined {
  if (operand.kind === 'series') return operand.series
  if (operand.kind !== 'scalar') return undefined
  const { scalar } = operand
  const value = writtenNumber(scalar)
  if (value === undefined) return undefined
  // Series have durations in seconds.
  return { op: 'number', value: scalar.op === 'number' && scalar.isDuration ? value / 1e9 : value, at: scalar.at }
}

function isOfDuration(scalar: Scalar): boolean {
  if (scalar.op === 'arithmetic') return isOfDuration(scalar.left) || isOfDuration(scalar.right)
  return scalar.op === 'number' && scalar.isDuration
}

function hasAggregate(scalar: Scalar): boolean {
  if (scalar.op === 'arithmetic') return hasAggregate(scalar.left) || hasAggregate(scalar.right)
  return scalar.op === 'aggregate' || scalar.op === 'of'
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
    return {
      kind: 'scalar',
      scalar: { op: 'number', value: Number(number.value) * (isMinus ? -1 : 1), isDuration: number.unit, at },
    }
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
  const opening = parseWordStage(cursor, true) ?? parseOperands(cursor)
  const isSeries = 'kind' in opening && opening.kind === 'series'
  if (isSeries || ('kind' in opening && opening.kind === 'scalar')) {
    const operand = isSeries
      ? ({ kind: 'series', series: parseSecondStages(cursor, opening.series) } as const)
      : opening
    cursor.close(')', open)
    return operand
  }
  const stages = [stageOf(cursor, opening)]
  while (cursor.takeSign('|')) {
    if (isMetric(cursor)) {
      const { at } = cursor
      const metric = parseMetric(cursor)
      if (metric.comparison) throw cursor.fail('compare() does not stand in parentheses', at)
      const series = parseSecondStages(cursor, { op: 'series', stages, metric, at })
      cursor.close(')', open)
      return { kind: 'series', series }
    }
    const next = parseWordStage(cursor, false) ?? parseOperands(cursor)
    if ('kind' in next && next.kind === 'scalar' && hasAggregate(next.scalar) && cursor.sign() === ')') {
      cursor.close(')', open)
      const text = cursor.text.slice(open, cursor.end)
      return { kind: 'scalar', scalar: { op: 'of', stages, scalar: next.scalar, text, at: open } }
    }
    stages.push(stageOf(cursor, next))
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
