import type { Comparison, Field, Filter, Level } from '../../contract.ts'
import type { Parameters } from './parameters.ts'
import { allOf, anyOf, atMost, both, either, exactly, negated, NEVER, UNKNOWN, type Truth } from './truth.ts'

type Leaf = Extract<Filter, { readonly target: unknown }>
type Scalar = string | number | bigint | boolean
/** Says of the value that an expression gives, a text, whether it is what is asked for. */
type ValueTest = (value: string) => Truth

/** Values of an `in` that are sent: they stand in the request's address. */
const MAX_VALUES = 300
const MAX_PATTERN = 200
/** Of punctuation, and of classes of ASCII. */
const SAME_ESCAPES = /\\[dDwWsS!-/:-@[-`{-~]/g
/** How far numbers that are compared as floating point may be off, as a share: ClickHouse reads text quickly, not exactly. */
const OFF = 1e-9

/** Columns that have a field's text, as a filter names it. */
const TEXT_FIELDS: Readonly<Partial<Record<Field, string>>> = {
  service: 'ServiceName',
  name: 'SpanName',
  kind: 'lower(SpanKind)',
  status: 'lower(StatusCode)',
  statusMessage: 'StatusMessage',
  traceState: 'TraceState',
  scopeName: 'ScopeName',
  scopeVersion: 'ScopeVersion',
  traceId: 'TraceId',
  spanId: 'SpanId',
  parentId: 'ParentSpanId',
}
/** ... of which a span may have several. */
const LIST_FIELDS: Readonly<Partial<Record<Field, string>>> = {
  eventName: '`Events.Name`',
  linkTraceId: '`Links.TraceId`',
  linkSpanId: '`Links.SpanId`',
}
const NUMBER_FIELDS: Readonly<Partial<Record<Field, string>>> = { duration: 'SpoorDuration', start: 'SpoorStart' }

const MAPS: Readonly<Record<'span' | 'resource' | 'scope', string>> = {
  span: 'SpanAttributes',
  resource: 'ResourceAttributes',
  scope: 'SpoorScopeAttributes',
}
const MAP_LISTS: Readonly<Record<'event' | 'link', string>> = {
  event: '`Events.Attributes`',
  link: '`Links.Attributes`',
}
const LEVELS = ['span', 'resource', 'scope', 'event', 'link'] as const

/** What a statement over the spans' table can say of a filter, which has been checked. Values go into `parameters`. */
export function filterSql(filter: Filter, parameters: Parameters): Truth {
  switch (filter.op) {
    case 'and':
      return both(filter.args.map((arg) => filterSql(arg, parameters)))
    case 'or':
      return either(filter.args.map((arg) => filterSql(arg, parameters)))
    case 'not':
      return negated(filterSql(filter.arg, parameters))
    case 'word':
      return wordSql(filter.value, parameters)
    default:
      return 'field' in filter.target
        ? fieldSql(filter, filter.target.field, parameters)
        : attributeSql(filter, filter.target.attribute, filter.target.level ?? 'any', parameters)
  }
}

function fieldSql(leaf: Leaf, field: Field, parameters: Parameters): Truth {
  const number = NUMBER_FIELDS[field]
  if (number !== undefined) return numberFieldSql(leaf, field, number, parameters)
  const list = LIST_FIELDS[field]
  if (list !== undefined) {
    if (leaf.op === 'exists') return exactly(`notEmpty(arrayFilter(x -> x != '', ${list}))`)
    const test = testOf(leaf, parameters)
    const some = mapped(test('x'), (sql) => `arrayExists(x -> ${sql}, ${list})`)
    return leaf.op === 'ne' ? both([atMost(`notEmpty(${list})`), negated(some)]) : some
  }
  const text = TEXT_FIELDS[field]
  if (text === undefined) return UNKNOWN
  if (leaf.op === 'exists') return exactly(`${text} != ''`)
  const truth = testOf(leaf, parameters)(text)
  return leaf.op === 'ne' ? negated(truth) : truth
}

function numberFieldSql(leaf: Leaf, field: Field, column: string, parameters: Parameters): Truth {
  if (leaf.op === 'exists') return exactly('1')
  if (leaf.op === 'regex' || leaf.op === 'in' || leaf.op === 'ne') return UNKNOWN
  const { op, value } = leaf
  if (typeof value !== 'number' && typeof value !== 'bigint') return UNKNOWN
  const truth = withinBounds(op, Number(value), `toFloat64(${column})`, parameters)
  if (field !== 'duration' || (op !== 'gt' && op !== 'gte' && op !== 'eq') || !(Number(value) > 0)) return truth
  // The exporter's column has an index.
  const least = lower(Number(value))
  return both([truth, atMost(`Duration >= ${parameters.uint64(BigInt(Math.floor(Math.min(least, 2 ** 63))))}`)])
}

function attributeSql(leaf: Leaf, key: string, level: Level, parameters: Parameters): Truth {
  if (!key.isWellFormed()) return UNKNOWN
  const levels = level === 'any' ? LEVELS : [level]
  const name = parameters.text(key)
  const exists = either(levels.map((each) => inLevel(each, name, undefined, exactly('1'))))
  if (leaf.op === 'exists') return exists
  const truth = testOf(leaf, parameters)('v')
  const known = leaf.op === 'eq' && typeof leaf.value === 'string' ? parameters.text(leaf.value) : undefined
  const some = either(levels.map((each) => inLevel(each, name, known, truth)))
  return leaf.op === 'ne' ? both([exists, negated(some)]) : some
}

/** Of the attributes of a level, with this key; `value`: the only text that is asked for. The first of its terms are for the indexes. */
function inLevel(level: (typeof LEVELS)[number], key: string, value: string | undefined, truth: Truth): Truth {
  const inMap = (map: string): Truth =>
    mapped(truth, (sql) =>
      sql === '1'
        ? `mapContains(${map}, ${key})`
        : allOf([
            `mapContains(${map}, ${key})`,
            ...(value === undefined ? [] : [`has(mapValues(${map}), ${value})`]),
            `arrayExists((k, v) -> k = ${key} AND ${sql}, mapKeys(${map}), mapValues(${map}))`,
          ]),
    )
  if (level === 'event' || level === 'link')
    return mapped(inMap('m'), (sql) => `arrayExists(m -> ${sql}, ${MAP_LISTS[level]})`)
  return inMap(MAPS[level])
}

/** The same of both sides of what is said, but of what is always, or never, true. */
function mapped({ may, must }: Truth, change: (sql: string) => string): Truth {
  const of = (sql: string): string => (sql === '0' ? sql : change(sql))
  return { may: of(may), must: of(must) }
}

/** Of one value; a `ne` is what its caller makes of an `eq`. */
function testOf(leaf: Leaf, parameters: Parameters): ValueTest {
  switch (leaf.op) {
    case 'regex':
      return regexTest(leaf.value, parameters)
    case 'in':
      return inTest(leaf.values, parameters)
    case 'exists':
      return () => exactly('1')
    default:
      return comparison(leaf.op === 'ne' ? 'eq' : leaf.op, leaf.value, parameters)
  }
}

function comparison(op: Exclude<Comparison, 'ne'>, wanted: Scalar, parameters: Parameters): ValueTest {
  if (typeof wanted === 'number' || typeof wanted === 'bigint') {
    const number = Number(wanted)
    if (Number.isNaN(number)) return () => NEVER
    return (value) =>
      mapped(withinBounds(op, number, `toFloat64OrNull(${value})`, parameters), (sql) => `ifNull(${sql}, 0)`)
  }
  const text = String(wanted)
  // Texts are ordered by their code units here, and there by their bytes.
  if (op !== 'eq' || !text.isWellFormed()) return () => UNKNOWN
  const name = parameters.text(text)
  return (value) => exactly(`${value} = ${name}`)
}

function inTest(values: readonly Scalar[], parameters: Parameters): ValueTest {
  if (values.length > MAX_VALUES) return () => UNKNOWN
  const texts = values.filter((value) => typeof value === 'string' || typeof value === 'boolean').map(String)
  const others = values
    .filter((value) => typeof value === 'number' || typeof value === 'bigint')
    .map((value) => comparison('eq', value, parameters))
  const whole = texts.every((text) => text.isWellFormed())
  const list = texts.length > 0 && whole ? parameters.add('Array(String)', texts) : undefined
  return (value) =>
    either([
      ...(list === undefined ? (whole ? [] : [UNKNOWN]) : [exactly(`${value} IN ${list}`)]),
      ...others.map((test) => test(value)),
    ])
}

/**
 * Here as there patterns are RE2's, but that `.` may be a line feed there, and that it refuses what takes too many steps: such a pattern is left to whoever asks the
 * spans themselves.
 */
function regexTest(pattern: string, parameters: Parameters): ValueTest {
  const odd = /[{\\]|\(\?/.test(pattern.replaceAll(SAME_ESCAPES, ''))
  if (pattern.length > MAX_PATTERN || odd || !pattern.isWellFormed()) return () => UNKNOWN
  const name = parameters.text(pattern)
  return (value) => atMost(`match(${value}, ${name})`)
}

/** A number that a floating point expression gives, as far as that is exact. */
function withinBounds(
  op: Exclude<Comparison, 'ne'>,
  wanted: number,
  expression: string,
  parameters: Parameters,
): Truth {
  if (!Number.isFinite(wanted)) return atMost(`${expression} IS NOT NULL`)
  const from = (): string => `${expression} >= ${parameters.add('Float64', lower(wanted))}`
  const to = (): string => `${expression} <= ${parameters.add('Float64', upper(wanted))}`
  switch (op) {
    case 'eq':
      return atMost(allOf([from(), to()]))
    case 'lt':
    case 'lte':
      return atMost(to())
    default:
      return atMost(from())
  }
}

function lower(number: number): number {
  return number - Math.abs(number) * OFF
}

function upper(number: number): number {
  return number + Math.abs(number) * OFF
}

function wordSql(word: string, parameters: Parameters): Truth {
  if (!word.isWellFormed()) return UNKNOWN
  const text = parameters.text(word)
  const values = either(LEVELS.map((level) => anyValue(level, text))).may
  // Letters outside of ASCII have their own ideas of what their other case is: such names are asked themselves.
  const lowerCase = parameters.text(word.toLowerCase())
  const named = ['SpanName', 'ServiceName'].map(
    (column) => `(positionCaseInsensitive(${column}, ${lowerCase}) > 0 OR length(${column}) != lengthUTF8(${column}))`,
  )
  const ids = /^[0-9a-f]+$/i.test(word) ? [`SpanId = ${lowerCase}`, `TraceId = ${lowerCase}`] : []
  return atMost(anyOf([...named, values, ...ids]))
}

function anyValue(level: (typeof LEVELS)[number], text: string): Truth {
  const within = (map: string): string => `has(mapValues(${map}), ${text})`
  return exactly(
    level === 'event' || level === 'link'
      ? `arrayExists(m -> ${within('m')}, ${MAP_LISTS[level]})`
      : within(MAPS[level]),
  )
}
