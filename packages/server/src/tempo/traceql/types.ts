import { regexProblem } from '@spoor/storage'
import type { Expression, ValueType } from './ast.ts'
import type { Cursor } from './cursor.ts'
import { TYPES } from './intrinsics.ts'

/** `any`: of an attribute nobody knows. `nothing`: it only compares with nil. */
type Type = ValueType | 'any' | 'nothing'

const NAMES: Readonly<Record<Type, string>> = {
  any: 'an attribute',
  nothing: 'a span',
  string: 'text',
  number: 'a number',
  boolean: 'true or false',
  status: 'a status',
  kind: 'a kind',
}

export function typeOf(expression: Expression): Type {
  switch (expression.op) {
    case 'static':
      return expression.type
    case 'attribute':
      return 'any'
    case 'intrinsic':
      return TYPES[expression.name] ?? 'nothing'
    case 'not':
    case 'exists':
      return 'boolean'
    case 'minus':
      return 'number'
    default:
      return /^[-+*/%^]$/.test(expression.sign) ? 'number' : 'boolean'
  }
}

/** The types that a sign takes on both sides. */
function takenBy(sign: string): readonly Type[] {
  switch (sign) {
    case '&&':
    case '||':
      return ['boolean']
    case '=~':
    case '!~':
      return ['string']
    case '=':
    case '!=':
      return ['string', 'number', 'boolean', 'status', 'kind']
    case '<':
    case '<=':
    case '>':
    case '>=':
      return ['string', 'number']
    default:
      return ['number']
  }
}

/** @throws TraceqlError where the sides are of different types, or of one that the sign does not take */
export function checkBinary(cursor: Cursor, { sign, left, right, at }: Extract<Expression, { op: 'binary' }>): void {
  const taken = takenBy(sign)
  for (const side of [left, right]) {
    const type = typeOf(side)
    if (type !== 'any' && !taken.includes(type))
      throw cursor.fail(
        `"${sign}" does not take ${NAMES[type]}: it takes ${taken.map((one) => NAMES[one]).join(', ')}`,
        side.at,
      )
  }
  const [a, b] = [typeOf(left), typeOf(right)]
  if (a !== b && a !== 'any' && b !== 'any')
    throw cursor.fail(`"${sign}" has ${NAMES[a]} on its left and ${NAMES[b]} on its right, which never compare`, at)
}

/** A pattern is written out, so that it is known before it is asked. */
export function checkMatch(cursor: Cursor, right: Expression): void {
  if (right.op !== 'static')
    throw cursor.fail('a regular expression stands here in quotes, and is not computed', right.at)
  const problem = regexProblem(String(right.value))
  if (problem)
    throw cursor.fail(`not a regular expression: ${problem.message} (character ${problem.index + 1} of it)`, right.at)
}

export function checkUnary(cursor: Cursor, op: 'not' | 'minus', arg: Expression, at: number): void {
  const [wanted, sign] = op === 'not' ? (['boolean', '!'] as const) : (['number', '-'] as const)
  const type = typeOf(arg)
  if (type !== wanted && type !== 'any')
    throw cursor.fail(`"${sign}" is of ${NAMES[wanted]}, and this is ${NAMES[type]}`, at)
}

/** What a filter, and an aggregate, is of. */
export function checkIs(cursor: Cursor, wanted: 'boolean' | 'number', expression: Expression, what: string): void {
  const type = typeOf(expression)
  if (type !== wanted && type !== 'any')
    throw cursor.fail(`${what} is of ${NAMES[wanted]}, and this is ${NAMES[type]}`, expression.at)
}

/** Whether it has anything of the span. */
export function isOfSpan(expression: Expression): boolean {
  switch (expression.op) {
    case 'static':
      return false
    case 'binary':
      return isOfSpan(expression.left) || isOfSpan(expression.right)
    case 'not':
    case 'minus':
    case 'exists':
      return isOfSpan(expression.arg)
    default:
      return true
  }
}
