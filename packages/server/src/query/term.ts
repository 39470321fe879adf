import { parseGoDuration } from '@spoor/otlp'
import { regexProblem, type Field, type Filter, type Level, type Target } from '@spoor/storage'
import { QueryError } from './error.ts'
import { positionIn, type Operator, type Token, type Word } from './lexer.ts'

type Term = Extract<Token, { type: 'term' }>

/**
 * Keys that are fields of the span and not attributes. `service.name` is the same question as `service`, and that one
 * is quicker.
 */
export const FIELDS: ReadonlyMap<string, Field> = new Map([
  ['service', 'service'],
  ['service.name', 'service'],
  ['resource.service.name', 'service'],
  ['name', 'name'],
  ['kind', 'kind'],
  ['status', 'status'],
  ['duration', 'duration'],
  ['scope', 'scopeName'],
])
export const LEVELS: readonly Level[] = ['resource', 'span', 'scope', 'event', 'link']
const KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer']
const STATUSES = ['unset', 'ok', 'error']
const COMPARE: Partial<Record<Operator, 'lt' | 'lte' | 'gt' | 'gte'>> = {
  '<': 'lt',
  '<=': 'lte',
  '>': 'gt',
  '>=': 'gte',
}

/** Characters of a bare word. */
const MAX_WORD = 1000

/** A bare word is looked for as what somebody pastes: part of a name, or the whole of a value. */
export function wordFilter(word: Word): Filter {
  if (word.text === '') throw new QueryError('an empty word is in everything', word.position)
  if (word.text.length > MAX_WORD) {
    throw new QueryError(
      `the word has ${word.text.length} characters; at most ${MAX_WORD} are looked for: write name:"…" for a longer one`,
      word.position,
    )
  }
  return { op: 'word', value: word.text }
}

function escapeRegex(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`)
}

export function termFilter(term: Term): Filter {
  const { key, operator, values } = term
  if (key.text === 'has' && !key.quoted) {
    if (operator !== ':') throw new QueryError('"has" is followed by ":" and a key', key.position)
    return anyOf(values.map((value) => ({ op: 'exists', target: targetOf(value) })))
  }
  const target = targetOf(key)
  const compare = COMPARE[operator]
  if (compare) return { op: compare, target, value: orderedValue(term, target) }
  switch (operator) {
    case '~':
      return regexFilter(target, values[0]!)
    case '!~':
      return { op: 'not', arg: regexFilter(target, values[0]!) }
    case '!=':
      if (values.length === 1 && !hasWildcard(values[0]!))
        return { op: 'ne', target, value: plainValue(target, values[0]!) }
      return {
        op: 'and',
        args: [
          { op: 'exists', target },
          { op: 'not', arg: equalFilter(target, values) },
        ],
      }
    default:
      return equalFilter(target, values)
  }
}

/** What a key names: a field, or an attribute at a level or at all. */
export function targetOf(key: Pick<Word, 'text' | 'quoted'>): Target {
  const field = key.quoted ? undefined : FIELDS.get(key.text)
  if (field) return { field }
  const level = key.quoted ? undefined : LEVELS.find((each) => key.text.startsWith(`${each}.`))
  if (level && key.text.length > level.length + 1) return { attribute: key.text.slice(level.length + 1), level }
  return { attribute: key.text }
}

function anyOf(filters: Filter[]): Filter {
  return filters.length === 1 ? filters[0]! : { op: 'or', args: filters }
}

function hasWildcard(value: Word): boolean {
  return !value.quoted && value.text.includes('*')
}

/**
 * Plain values go into one `in`; each with a wildcard is a pattern of its own; `*` alone asks whether there is any
 * value.
 */
function equalFilter(target: Target, values: readonly Word[]): Filter {
  const plain = values.filter((value) => !hasWildcard(value)).map((value) => plainValue(target, value))
  const filters: Filter[] = []
  if (plain.length === 1) filters.push({ op: 'eq', target, value: plain[0]! })
  if (plain.length > 1) filters.push({ op: 'in', target, values: plain })
  for (const value of values.filter(hasWildcard)) {
    if (/^\*+$/.test(value.text)) filters.push({ op: 'exists', target })
    else if ('field' in target && target.field === 'duration')
      throw new QueryError('a duration has no wildcard: compare it with > or <', value.position)
    else
      filters.push({
        op: 'regex',
        target,
        value: `^${value.text
          .split(/\*+/)
          .map(escapeRegex)
          .join(String.raw`[\s\S]*`)}$`,
      })
  }
  return anyOf(filters)
}

function regexFilter(target: Target, value: Word): Filter {
  if ('field' in target && target.field === 'duration') {
    throw new QueryError('a duration is not text: compare it with > or <', value.position)
  }
  const problem = regexProblem(value.text)
  if (problem) throw new QueryError(`not a regular expression: ${problem.message}`, positionIn(value, problem.index))
  return { op: 'regex', target, value: value.text }
}

function plainValue(target: Target, value: Word): string | number {
  if (!('field' in target)) return value.text
  if (target.field === 'duration') return durationOf(value)
  if (target.field === 'kind') return oneOf('kind', KINDS, value)
  if (target.field === 'status') return oneOf('status', STATUSES, value)
  return value.text
}

function oneOf(key: string, names: readonly string[], value: Word): string {
  const name = value.text.toLowerCase()
  if (!names.includes(name))
    throw new QueryError(`"${value.text}" is no ${key}: one of ${names.join(', ')}`, value.position)
  return name
}

export function durationOf(value: Word): number {
  try {
    return parseGoDuration(value.text)
  } catch {
    throw new QueryError(
      `"${value.text}" is no duration: write a number with its unit, as 200ms, 1.5s or 1m30s`,
      value.position,
    )
  }
}

function orderedValue({ key, operator, values }: Term, target: Target): number {
  const [value, second] = values as [Word, Word?]
  if (second) throw new QueryError(`"${operator}" takes one value`, second.position)
  if ('field' in target) {
    if (target.field === 'duration') return durationOf(value)
    throw new QueryError(`"${key.text}" has no order: use ":", "!=" or "~"`, key.position)
  }
  return numberIn(value, `"${operator}" compares attributes as numbers`)
}

export function numberIn(value: Word, why: string): number {
  const number = Number(value.text)
  if (value.text.trim() === '' || !Number.isFinite(number))
    throw new QueryError(`"${value.text}" is no number: ${why}`, value.position)
  return number
}
