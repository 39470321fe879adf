import type { Arithmetic, Compare, Expression, Scalar, Value } from './ast.ts'

/*
 * How values compare: as in a filter of the store (see `Filter` of `@spoor/storage`). With a text or a truth value by their text forms; with a number by number, also
 * text that is one.
 */

const FLIPPED: Readonly<Record<Compare, Compare>> = { '=': '=', '!=': '!=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' }

/** `a < b` as `b > a`. */
export function flipped(compare: Compare): Compare {
  return FLIPPED[compare]
}

/** The number that a text is, in the form in which JavaScript writes it. */
function numberIn(text: string): number | bigint | undefined {
  if (/^(0|-?[1-9]\d*)$/.test(text)) return BigInt(text)
  const number = Number(text)
  return String(number) === text ? number : undefined
}

export function asNumber(value: Value): number | bigint | undefined {
  const number = typeof value === 'boolean' ? undefined : typeof value === 'string' ? numberIn(value) : value
  return Number.isNaN(number) ? undefined : number
}

/** Whether a value compares with what is asked for. */
export function compares(actual: Value, compare: Compare, wanted: Value): boolean {
  const isText = typeof wanted === 'string' || typeof wanted === 'boolean'
  const left = isText ? String(actual) : asNumber(actual)
  const right = isText ? String(wanted) : asNumber(wanted)
  if (left === undefined || right === undefined) return false
  switch (compare) {
    case '=':
      // oxlint-disable-next-line eqeqeq -- a bigint and a number are compared by value
      return left == right
    case '!=':
      // oxlint-disable-next-line eqeqeq -- as above
      return left != right
    case '<':
      return left < right
    case '<=':
      return left <= right
    case '>':
      return left > right
    default:
      return left >= right
  }
}

export function reckon(sign: Arithmetic, left: number, right: number): number {
  switch (sign) {
    case '+':
      return left + right
    case '-':
      return left - right
    case '*':
      return left * right
    case '/':
      return left / right
    case '%':
      return left % right
    default:
      return left ** right
  }
}

/** The value of what has nothing of a span in it; undefined for what has, or compares. */
export function constantOf(expression: Expression): Value | undefined {
  switch (expression.op) {
    case 'static':
      return expression.value
    case 'minus': {
      const value = constantOf(expression.arg)
      return typeof value === 'number' || typeof value === 'bigint' ? -value : undefined
    }
    case 'binary': {
      const { sign } = expression
      if (!isArithmetic(sign)) return undefined
      const [left, right] = [constantOf(expression.left), constantOf(expression.right)]
      return left === undefined || right === undefined ? undefined : reckon(sign, Number(left), Number(right))
    }
    default:
      return undefined
  }
}

export function isArithmetic(sign: string): sign is Arithmetic {
  return sign.length === 1 && '+-*/%^'.includes(sign)
}

/** The number that is written, without an aggregate in it. */
export function writtenNumber(scalar: Scalar): number | undefined {
  if (scalar.op === 'number') return scalar.value
  if (scalar.op === 'aggregate' || scalar.op === 'of') return undefined
  const [left, right] = [writtenNumber(scalar.left), writtenNumber(scalar.right)]
  return left === undefined || right === undefined ? undefined : reckon(scalar.sign, left, right)
}
