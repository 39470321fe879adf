import { StorageError, type Filter } from '../../../contract.ts'
import { numberOf, type Value } from '../../block/attribute.ts'
import { compilePattern, isTooMuch, PatternError, type Pattern } from '../../../pattern.ts'
import type { Turn } from '../turn.ts'

/** A condition that has a target. */
export type Leaf = Extract<Filter, { readonly target: unknown }>

/** How a leaf's verdict on several values comes from that on each. */
export interface Matcher {
  /** `some`: one holds. `none`: there is one, and none holds. */
  readonly over: 'some' | 'none'
  readonly holds: (value: Value) => boolean
}

/** Values of one `in`. */
const MAX_VALUES = 10_000

/** Throws StorageError `bad_query`, naming the place. What asking it costs is counted on `turn`. */
export function matcherOf(node: Leaf, path: string, turn: Turn): Matcher {
  switch (node.op) {
    case 'eq':
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte': {
      const { op } = node
      const value = operand(node.value, path)
      return { over: 'some', holds: (actual) => compare(actual, op, value) }
    }
    case 'ne': {
      const value = operand(node.value, path)
      return { over: 'none', holds: (actual) => compare(actual, 'eq', value) }
    }
    case 'in': {
      if (!Array.isArray(node.values)) throw badQuery(path, 'needs values, a list')
      if (node.values.length > MAX_VALUES)
        throw badQuery(path, `has ${node.values.length} values; at most ${MAX_VALUES} are taken`)
      return { over: 'some', holds: anyOf(node.values.map((value: unknown) => operand(value, path))) }
    }
    case 'regex': {
      const pattern = expression(node.value, path)
      return { over: 'some', holds: (actual) => testText(pattern, String(actual), turn) }
    }
    case 'exists':
      // A field always has a value, perhaps an empty one.
      return { over: 'some', holds: 'field' in node.target ? (value) => value !== '' : () => true }
    default:
      throw badQuery(path, `unknown op ${String((node as { op: unknown }).op)}`)
  }
}

export function badQuery(path: string, reason: string): StorageError {
  return new StorageError('bad_query', `${path}: ${reason}`)
}

function operand(value: unknown, path: string): Value {
  if (typeof value === 'boolean') return String(value)
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') return value
  throw badQuery(
    path,
    `the value to compare with is ${value === null ? 'null' : typeof value}; a string, number or boolean is needed`,
  )
}

function expression(source: unknown, path: string): Pattern {
  if (typeof source !== 'string') throw badQuery(path, 'the regular expression is not a string')
  try {
    return compilePattern(source)
  } catch (error) {
    if (!(error instanceof PatternError)) throw error
    throw badQuery(path, `not a regular expression: ${error.message} (at character ${error.index})`)
  }
}

/** A text that would take too long is left out, and the answer is not complete. */
function testText(pattern: Pattern, text: string, turn: Turn): boolean {
  const steps = pattern.steps(text)
  turn.work(steps)
  if (!isTooMuch(steps)) return pattern.test(text)
  turn.incomplete = true
  return false
}

/** Whether a value equals one of those that are wanted, see {@link compare}, in one look-up. */
function anyOf(wanted: readonly Value[]): (actual: Value) => boolean {
  const texts = new Set(wanted.filter((value) => typeof value === 'string'))
  const numbers = new Set(wanted.filter((value) => typeof value !== 'string').map(exactText))
  return (actual) => {
    if (texts.size > 0 && texts.has(String(actual))) return true
    if (numbers.size === 0) return false
    const number = typeof actual === 'string' ? numberOf(actual) : actual
    return number !== undefined && !Number.isNaN(number) && numbers.has(exactText(number))
  }
}

/** The same for a number and a bigint of the same value, and for 0 and -0. */
function exactText(number: number | bigint): string {
  return typeof number === 'number' && Number.isInteger(number) ? BigInt(number).toString() : String(number)
}

/** Text with text by code units; a number with numbers, and with text that is one. */
export function compare(actual: Value, op: 'eq' | 'lt' | 'lte' | 'gt' | 'gte', wanted: Value): boolean {
  const left = typeof wanted === 'string' ? String(actual) : typeof actual === 'string' ? numberOf(actual) : actual
  if (left === undefined) return false
  switch (op) {
    case 'eq':
      // oxlint-disable-next-line eqeqeq -- a bigint and a number are compared by value
      return left == wanted
    case 'lt':
      return left < wanted
    case 'lte':
      return left <= wanted
    case 'gt':
      return left > wanted
    default:
      return left >= wanted
  }
}
