import { UNKNOWN_SERVICE } from '@spoor/trace'
import type { Comparison, Field, Filter, Level } from '../../contract.ts'
import type { Parameters } from './parameters.ts'
import { serviceSql } from './service.ts'
import { allOf, atMost, both, either, exactly, negated, NEVER, UNKNOWN, type Truth } from './truth.ts'

type Leaf = Extract<Filter, { readonly target: unknown }>
type Scalar = string | number | bigint | boolean
/** Says of the value that an expression gives, a text, whether it is what is asked for. */
type ValueTest = (value: string) => Truth

/** Values of an `in` that are sent: they stand in the request's address. */
const MAX_VALUES = 300
const MAX_PATTERN = 200
/** Bytes of a text from which on a pattern may take too many steps. */
const LONG_TEXT = 65_536
/** Numbers in the form in which JavaScript writes them: these have no other. */
const WHOLE = '^(0|-?[1-9][0-9]{0,17})$'
const DECIMAL = String.raw`^-?(0|[1-9][0-9]*)[.][0-9]*[1-9]$`
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
    const isThere = `notEmpty(arrayFilter(x -> x != '', ${list}))`
    if (leaf.op === 'exists') return exactly(isThere)
    const test = testOf(leaf, parameters)
    const some = mapped(test('x'), (sql) => `arrayExists(x -> ${sql}, ${list})`)
    return leaf.op === 'ne' ? both([{ may: `notEmpty(${list})`, must: isThere }, negated(some)]) : some
  }
  // The table is in the order of this column, which an expression of it is not.
  const text = field === 'service' && mayBeUnknown(leaf) ? serviceSql() : TEXT_FIELDS[field]
  if (text === undefined) return UNKNOWN
  if (leaf.op === 'exists') return exactly(`${text} != ''`)
  const truth = testOf(leaf, parameters)(text)
  return leaf.op === 'ne' ? negated(truth) : truth
}

/** Whether spans without a service may be among those of which it is true, or whose opposite is asked. */
function mayBeUnknown(leaf: Leaf): boolean {
  if (leaf.op === 'in') return leaf.values.includes(UNKNOWN_SERVICE)
  return leaf.op !== 'eq' || leaf.value === UNKNOWN_SERVICE
}

function numberFieldSql(leaf: Leaf, field: Field, column: string, parameters: Parameters): Truth {
  switch (leaf.op) {
    case 'exists':
      return exactly('1')
    case 'regex':
      return UNKNOWN
    case 'in':
      if (leaf.values.length > MAX_VALUES) return UNKNOWN
      return either(leaf.values.map((value) => wholeNumberSql('eq', value, field, column, parameters)))
    case 'ne':
      return negated(wholeNumberSql('eq', leaf.value, field, column, parameters))
    default:
      return wholeNumberSql(leaf.op, leaf.value, field, column, parameters)
  }
}

/** Of a column of whole numbers: what lies between two of them is no more than the next one. */
function wholeNumberSql(
  op: Exclude<Comparison, 'ne'>,
  wanted: Scalar,
  field: Field,
  column: string,
  parameters: Parameters,
): Truth {
  if (typeof wanted !== 'number' && typeof wanted !== 'bigint') return UNKNOWN
  if (Number.isNaN(wanted)) return NEVER
  const [least, most] = field === 'start' ? [0n, 2n ** 64n - 1n] : [-(2n ** 53n) + 1n, 2n ** 53n - 1n]
  const bound = wholeBound(op, wanted)
  if (bound === undefined) return NEVER
  const isAtLeast = op === 'gt' || op === 'gte'
  if (bound < least || bound > most) {
    // A longer duration is not exact where it is asked.
    if (field !== 'start') return UNKNOWN
    return bound < least === isAtLeast && op !== 'eq' ? exactly('1') : NEVER
  }
  const number = field === 'start' ? parameters.uint64(bound) : parameters.add('Int64', String(bound))
  const truth = exactly(`${column} ${op === 'eq' ? '=' : isAtLeast ? '>=' : '<='} ${number}`)
  // The exporter's column has an index.
  if (field === 'duration' && op !== 'lt' && op !== 'lte' && bound > 0n)
    return both([truth, exactly(`Duration >= ${parameters.uint64(bound)}`)])
  return truth
}

/** The whole number that is compared with, by `=`, `>=` or `<=`, in place of any; undefined: none is equal to it. */
function wholeBound(op: Exclude<Comparison, 'ne'>, wanted: number | bigint): bigint | undefined {
  if (typeof wanted === 'bigint') return op === 'gt' ? wanted + 1n : op === 'lt' ? wanted - 1n : wanted
  if (!Number.isFinite(wanted)) return op === 'eq' ? undefined : wanted > 0 ? 2n ** 70n : -(2n ** 70n)
  switch (op) {
    case 'eq':
      return Number.isInteger(wanted) ? BigInt(wanted) : undefined
    case 'gt':
      return BigInt(Math.floor(wanted)) + 1n
    case 'gte':
      return BigInt(Math.ceil(wanted))
    case 'lt':
      return BigInt(Math.ceil(wanted)) - 1n
    default:
      return BigInt(Math.floor(wanted))
  }
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
  if (typeof wanted === 'number' || typeof wanted === 'bigint') return numberTest(op, wanted, parameters)
  const text = String(wanted)
  // Texts are ordered by their code units here, and there by their bytes.
  if (op !== 'eq' || !text.isWellFormed()) return () => UNKNOWN
  const name = parameters.text(text)
  return (value) => exactly(`${value} = ${name}`)
}

/** A number, or a text that is one in the form in which JavaScript writes it: it is stored in that form in either case. */
function numberTest(op: Exclude<Comparison, 'ne'>, wanted: number | bigint, parameters: Parameters): ValueTest {
  const number = Number(wanted)
  if (Number.isNaN(number)) return () => NEVER
  const isExact = Math.abs(number) < 2 ** 53
  if (op === 'eq' && isExact) {
    const text = parameters.text(String(wanted === 0 ? 0 : wanted))
    return (value) => exactly(`${value} = ${text}`)
  }
  return (value) => {
    const { may } = withinBounds(op, number, `toFloat64OrNull(${value})`, parameters)
    const known = { may: `ifNull(${may}, 0)`, must: '0' }
    if (!isExact || op === 'eq') return known
    // Whole numbers are compared as such; of others only those that are surely beyond.
    const isAtLeast = op === 'gt' || op === 'gte'
    const than = isAtLeast ? '>=' : '<='
    const whole = parameters.add('Int64', String(wholeBound(op, wanted)))
    const beyond = parameters.add('Float64', isAtLeast ? upper(number) : lower(number))
    const ofWhole = `match(${value}, '${WHOLE}') AND toInt64OrZero(${value}) ${than} ${whole}`
    const ofOther = `match(${value}, '${DECIMAL}') AND length(${value}) <= 16 AND abs(toFloat64OrZero(${value})) >= 0.00001 AND toFloat64OrZero(${value}) ${than} ${beyond}`
    return { ...known, must: `((${ofWhole}) OR (${ofOther}))` }
  }
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
  return (value) => ({
    may: `match(${value}, ${name})`,
    must: `(match(${value}, ${name}) AND position(${value}, '\\n') = 0 AND length(${value}) < ${LONG_TEXT})`,
  })
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
  const isPlain = /^[\0-\x7f]*$/.test(word)
  const named = ['SpanName', 'ServiceName'].map((column): Truth => {
    const found = `positionCaseInsensitive(${column}, ${lowerCase}) > 0`
    const same = `length(${column}) = lengthUTF8(${column})`
    return { may: `(${found} OR NOT (${same}))`, must: isPlain ? `(${found} AND ${same})` : '0' }
  })
  const ids = /^[0-9a-f]+$/i.test(word) ? [`SpanId = ${lowerCase}`, `TraceId = ${lowerCase}`] : []
  return either([...named, exactly(values), ...ids.map(exactly)])
}

function anyValue(level: (typeof LEVELS)[number], text: string): Truth {
  const within = (map: string): string => `has(mapValues(${map}), ${text})`
  return exactly(
    level === 'event' || level === 'link'
      ? `arrayExists(m -> ${within('m')}, ${MAP_LISTS[level]})`
      : within(MAPS[level]),
  )
}
