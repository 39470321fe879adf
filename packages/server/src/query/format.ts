import type { Filter, SpanSet, Target } from '@spoor/storage'
import { RELATIONS } from './sets.ts'
import { FIELDS, LEVELS } from './term.ts'
import { COMPARISONS, TRACE_KEYS } from './trace-term.ts'

/**
 * A set as text that {@link parseQuery} reads as the same; undefined for what the language has no words for, and for sets that it does not make of any
 * text.
 */
export function formatQuery(set: SpanSet): string | undefined {
  try {
    return set.op === 'spans' && set.filter ? filterText(set.filter, 0) : setText(set, 0)
  } catch (error) {
    if (error instanceof Unspeakable) return undefined
    throw error
  }
}

class Unspeakable extends Error {}

/** How closely what stands here is bound: what binds less needs parentheses. */
const [PIPE, OR, AND, NEAR, ONE] = [0, 1, 2, 3, 4]

function setText(set: SpanSet, level: number): string {
  const inner = (own: number, text: string): string => (own < level ? `(${text})` : text)
  switch (set.op) {
    case 'spans':
      return set.filter ? `{${filterText(set.filter, 0)}}` : '{}'
    case 'or':
      return inner(OR, set.args.map((arg) => setText(arg, AND)).join(' || '))
    case 'and':
      return inner(AND, set.args.map((arg) => setText(arg, NEAR)).join(' && '))
    case 'without':
    case 'trace': {
      const own = set.op === 'without' ? `not ${setText(set.arg, ONE)}` : `{${traceText(set)}}`
      return set.among ? inner(AND, `${setText(set.among, AND)} && ${own}`) : own
    }
    case 'related': {
      const sign = [...RELATIONS].find(
        ([, { relation, not }]) => relation === set.relation && not === (set.not ?? false),
      )
      return inner(NEAR, `${setText(set.left, NEAR)} ${sign![0]} ${setText(set.right, ONE)}`)
    }
    default: {
      const { aggregate, of, compare, value } = set
      const isDuration = of !== undefined && 'field' in of
      const head = aggregate === 'count' ? 'count()' : `${aggregate}(${of ? keyText(of) : 'duration'})`
      return inner(PIPE, `${setText(set.arg, PIPE)} | ${head} ${signOf(compare)} ${value}${isDuration ? 'ns' : ''}`)
    }
  }
}

function traceText({ field, compare, value }: Extract<SpanSet, { op: 'trace' }>): string {
  const key = [...TRACE_KEYS].find(([, each]) => each === field)![0]
  const isDuration = field === 'duration' || field === 'requestDuration' || field === 'tail'
  return `${key}${signOf(compare)}${typeof value === 'string' ? valueText(value) : `${value}${isDuration ? 'ns' : ''}`}`
}

function signOf(compare: string): string {
  return Object.entries(COMPARISONS).findLast(([, each]) => each === compare)![0]
}

/** `level`: 0 where alternatives may stand, 1 where terms may stand side by side, 2 where only one may. */
function filterText(filter: Filter, level: number): string {
  const inner = (own: number, text: string): string => (own < level ? `(${text})` : text)
  switch (filter.op) {
    case 'or':
      return inner(0, filter.args.map((arg) => filterText(arg, 1)).join(' OR '))
    case 'and':
      return inner(1, filter.args.map((arg) => filterText(arg, 2)).join(' '))
    case 'not':
      return filter.arg.op === 'regex' ? termText(filter.arg, '!~') : `-${filterText(filter.arg, 2)}`
    case 'word':
      return valueText(filter.value)
    case 'exists':
      return `has:${keyText(filter.target)}`
    case 'in':
      return `${keyText(filter.target)}:${filter.values.map((value) => valueOf(filter.target, value)).join(',')}`
    case 'regex':
      return termText(filter, '~')
    default:
      return `${keyText(filter.target)}${filter.op === 'eq' ? ':' : signOf(filter.op)}${valueOf(filter.target, filter.value)}`
  }
}

function termText({ target, value }: Extract<Filter, { op: 'regex' }>, sign: string): string {
  return `${keyText(target)}${sign}${valueText(value)}`
}

function valueOf(target: Target, value: string | number | bigint | boolean): string {
  if (typeof value === 'string') return valueText(value)
  if (typeof value !== 'number') throw new Unspeakable()
  return 'field' in target ? `${value}ns` : String(value)
}

function keyText(target: Target): string {
  if ('field' in target) {
    const key = [...FIELDS].find(([, field]) => field === target.field)
    if (!key) throw new Unspeakable()
    return key[0]
  }
  const { attribute, level } = target
  if (level === undefined) return isPlainKey(attribute) ? attribute : quoted(attribute)
  if (level === 'any' || attribute === '' || !isPlain(attribute)) throw new Unspeakable()
  return `${level}.${attribute}`
}

/** Whether the key without quotes is that of an attribute, wherever it is. */
function isPlainKey(key: string): boolean {
  const isTaken =
    key === 'has' || FIELDS.has(key) || TRACE_KEYS.has(key) || LEVELS.some((level) => key.startsWith(`${level}.`))
  return !isTaken && isPlain(key)
}

function isPlain(text: string): boolean {
  return /^[^\s"(),:=<>!~*\\{}|&-][^\s"(),:=<>!~*\\{}|&]*$/.test(text) && !['AND', 'OR', 'NOT'].includes(text)
}

function valueText(text: string): string {
  return isPlain(text) ? text : quoted(text)
}

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`
}
