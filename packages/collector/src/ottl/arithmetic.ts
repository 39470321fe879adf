import { EvaluationError } from './error.ts'
import type { Arithmetic } from './syntax.ts'
import { Duration, Time, typeName, type Value } from './value.ts'

/** An int with a double gives a double. Throws {@link EvaluationError} for what cannot be computed. */
export function arithmetic(left: Value, operator: Arithmetic, right: Value): Value {
  if (typeof left === 'bigint' && typeof right === 'bigint') return BigInt.asIntN(64, ints(left, operator, right))
  if (isNumber(left) && isNumber(right)) return doubles(Number(left), operator, Number(right))
  if (operator === '+') {
    if (left instanceof Time && right instanceof Duration) return moved(left, right.nanos)
    if (left instanceof Duration && right instanceof Time) return moved(right, left.nanos)
    if (left instanceof Duration && right instanceof Duration) return new Duration(left.nanos + right.nanos)
  }
  if (operator === '-') {
    if (left instanceof Time && right instanceof Time) return new Duration(left.nanos - right.nanos)
    if (left instanceof Time && right instanceof Duration) return moved(left, -right.nanos)
    if (left instanceof Duration && right instanceof Duration) return new Duration(left.nanos - right.nanos)
  }
  throw new EvaluationError(`there is no ${typeName(left)} ${operator} ${typeName(right)}`)
}

export function negate(value: Value): Value {
  if (typeof value === 'bigint') return BigInt.asIntN(64, -value)
  if (typeof value === 'number') return -value
  throw new EvaluationError(`a ${typeName(value)} has no negative`)
}

function isNumber(value: Value): value is bigint | number {
  return typeof value === 'bigint' || typeof value === 'number'
}

function moved({ nanos, offsetSeconds }: Time, by: bigint): Time {
  return new Time(nanos + by, offsetSeconds)
}

function ints(left: bigint, operator: Arithmetic, right: bigint): bigint {
  if (operator === '+') return left + right
  if (operator === '-') return left - right
  if (operator === '*') return left * right
  if (right === 0n) throw new EvaluationError('division by 0')
  return left / right
}

function doubles(left: number, operator: Arithmetic, right: number): number {
  if (operator === '+') return left + right
  if (operator === '-') return left - right
  if (operator === '*') return left * right
  if (right === 0) throw new EvaluationError('division by 0')
  return left / right
}
