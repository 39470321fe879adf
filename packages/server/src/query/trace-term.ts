import type { SpanSet, TraceField } from '@spoor/storage'
import { QueryError } from './error.ts'
import type { Operator, Token, Word } from './lexer.ts'
import { durationOf, numberIn } from './term.ts'

export type TraceCondition = Extract<SpanSet, { op: 'trace' }>
export type Comparison = TraceCondition['compare']

/** What stands for the fields of a whole trace. */
export const TRACE_KEYS: ReadonlyMap<string, TraceField> = new Map([
  ['trace.duration', 'duration'],
  ['trace.request', 'requestDuration'],
  ['trace.tail', 'tail'],
  ['trace.spans', 'spans'],
  ['trace.errors', 'errors'],
  ['root.service', 'rootService'],
  ['root.name', 'rootName'],
])
export const COMPARISONS: Readonly<Partial<Record<Operator, Comparison>>> = {
  ':': 'eq',
  '=': 'eq',
  '!=': 'ne',
  '>': 'gt',
  '>=': 'gte',
  '<': 'lt',
  '<=': 'lte',
}

export function isTraceKey(key: Word): boolean {
  return !key.quoted && TRACE_KEYS.has(key.text)
}

/** A term whose key {@link isTraceKey}. */
export function traceTerm({ key, operator, values }: Extract<Token, { type: 'term' }>): TraceCondition {
  const field = TRACE_KEYS.get(key.text)!
  const compare = COMPARISONS[operator]
  const [value, second] = values as [Word, Word?]
  if (!compare) throw new QueryError(`"${key.text}" has no patterns: use ":", "!=" or an order`, key.position)
  if (second) throw new QueryError(`"${key.text}" takes one value`, second.position)
  if (field === 'rootService' || field === 'rootName') return { op: 'trace', field, compare, value: value.text }
  const isCount = field === 'spans' || field === 'errors'
  return {
    op: 'trace',
    field,
    compare,
    value: isCount ? numberIn(value, `"${key.text}" is a number`) : durationOf(value),
  }
}
