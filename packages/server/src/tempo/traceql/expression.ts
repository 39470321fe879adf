import type { Expression, FilterSet, ValueType, Value } from './ast.ts'
import type { Cursor } from './cursor.ts'
import { KINDS, STATUSES } from './intrinsics.ts'
import type { Sign } from './lexer.ts'
import { checkBinary, checkIs, checkMatch, checkUnary } from './types.ts'

/** How closely the signs between two expressions bind; `&&` and `||` alike, from the left, as in Tempo. */
const BINDS: ReadonlyMap<Sign, number> = new Map<Sign, number>([
  ...(['&&', '||'] as const).map((sign) => [sign, 1] as const),
  ...(['=', '!=', '<', '<=', '>', '>=', '=~', '!~'] as const).map((sign) => [sign, 2] as const),
  ...(['+', '-'] as const).map((sign) => [sign, 3] as const),
  ...(['*', '/', '%'] as const).map((sign) => [sign, 5] as const),
  ['^', 6],
])
/** What stands after `-` and `!`. */
const UNARY = 5
const WORDS: ReadonlyMap<string, readonly [ValueType, Value]> = new Map<string, readonly [ValueType, Value]>([
  ['true', ['boolean', true]],
  ['false', ['boolean', false]],
  ...STATUSES.map((name) => [name, ['status', name]] as const),
  ...KINDS.map((name) => [name, ['kind', name]] as const),
  ['minInt', ['number', -(2n ** 63n)]],
  ['maxInt', ['number', 2n ** 63n - 1n]],
])
const POSSIBLE = 'an attribute (.name, span.name, resource.name), a field (duration, name, status) or a value'

/** Reads `{ … }`, when it stands there. @throws TraceqlError */
export function parseFilter(cursor: Cursor): FilterSet | undefined {
  const { at } = cursor
  if (!cursor.takeSign('{')) return undefined
  if (cursor.takeSign('}')) return { op: 'filter', expression: undefined, at }
  const expression = parseExpression(cursor)
  cursor.close('}', at)
  checkIs(cursor, 'boolean', expression, 'a filter')
  return { op: 'filter', expression, at }
}

/** Reads an expression on one span, and sees to it that types go together. @throws TraceqlError */
export function parseExpression(cursor: Cursor, least = 1): Expression {
  let left = parseOperand(cursor)
  for (;;) {
    const sign = cursor.sign()
    const binds = sign && BINDS.get(sign)
    if (binds === undefined || binds < least) return left
    const { at } = cursor.take()
    const isEqual = sign === '=' || sign === '!='
    if (isEqual && cursor.isWord('nil')) {
      cursor.take()
      left = { op: 'exists', not: sign === '=', arg: left, at }
    } else {
      const before = left
      const right = cursor.deeper(() => parseExpression(cursor, sign === '^' ? binds : binds + 1))
      left = binary(cursor, sign!, before, right, at)
    }
  }
}

function binary(cursor: Cursor, sign: Sign, left: Expression, right: Expression, at: number): Expression {
  const expression = { op: 'binary', sign, left, right, at } as Extract<Expression, { op: 'binary' }>
  checkBinary(cursor, expression)
  if (sign === '=~' || sign === '!~') checkMatch(cursor, right)
  return expression
}

function parseOperand(cursor: Cursor): Expression {
  const { token } = cursor
  const { at } = token
  const target = cursor.target()
  if (target) return target
  switch (token.type) {
    case 'string':
      cursor.take()
      return { op: 'static', type: 'string', value: token.value, at }
    case 'number':
      cursor.take()
      return { op: 'static', type: 'number', value: token.value, at }
    case 'word':
      return parseWord(cursor, token.text, at)
    case 'sign':
      if (token.text === '(') {
        cursor.take()
        const inner = cursor.deeper(() => parseExpression(cursor))
        cursor.close(')', at)
        return inner
      }
      if (token.text === '!' || token.text === '-') {
        cursor.take()
        const arg = cursor.deeper(() => parseExpression(cursor, UNARY))
        const op = token.text === '!' ? 'not' : 'minus'
        checkUnary(cursor, op, arg, at)
        return { op, arg, at }
      }
  }
  throw cursor.unexpected(POSSIBLE)
}

function parseWord(cursor: Cursor, word: string, at: number): Expression {
  const known = WORDS.get(word)
  if (known) {
    cursor.take()
    return { op: 'static', type: known[0], value: known[1], at }
  }
  if (word !== 'nil')
    throw cursor.fail(`"${word}" is no field; an attribute is written .${word}, span.${word} or resource.${word}`)
  cursor.take()
  const sign = cursor.sign()
  if (sign !== '=' && sign !== '!=') throw cursor.unexpected('"=" or "!=" after nil')
  cursor.take()
  if (cursor.isWord('nil')) {
    cursor.take()
    return { op: 'static', type: 'boolean', value: false, at }
  }
  return { op: 'exists', not: sign === '=', arg: cursor.deeper(() => parseExpression(cursor, 3)), at }
}
