/** Which values are equal, and which is less: values of different types are neither, except that an int is compared with a double. */
import { isSameValue } from '../processor-helper/index.ts'
import type { Comparison } from './syntax.ts'
import { Duration, Id, Time, toAny, type Value } from './value.ts'

export function compare(left: Value, operator: Comparison, right: Value): boolean {
  if (operator === '==') return isEqual(left, right)
  if (operator === '!=') return !isEqual(left, right)
  const orEqual = operator.endsWith('=')
  return operator.startsWith('<') ? isLess(left, right, orEqual) : isLess(right, left, orEqual)
}

export function isEqual(left: Value, right: Value): boolean {
  if (typeof left !== 'object' || typeof right !== 'object') {
    if (typeof left === 'bigint' && typeof right === 'number') return Number(left) === right
    if (typeof left === 'number' && typeof right === 'bigint') return left === Number(right)
    return left === right
  }
  if (left instanceof Time || left instanceof Duration)
    return left.constructor === right.constructor && left.nanos === (right as Time).nanos
  if (left instanceof Id) return right instanceof Id && left.kind === right.kind && left.hex === right.hex
  const a = toAny(left)
  const b = toAny(right)
  return a !== undefined && b !== undefined && isSameValue(a, b)
}

function isLess(left: Value, right: Value, orEqual: boolean): boolean {
  if (left === undefined || right === undefined) return orEqual && left === right
  const order = orderOf(left, right)
  return order < 0 || (orEqual && order === 0)
}

/** Below, at or above 0; NaN where there is no order. */
function orderOf(left: Value, right: Value): number {
  if (typeof left === 'string') return typeof right === 'string' ? orderOfTexts(left, right) : NaN
  if (typeof left === 'bigint' || typeof left === 'number') {
    if (typeof left === 'bigint' && typeof right === 'bigint') return left < right ? -1 : left > right ? 1 : 0
    if (typeof right !== 'bigint' && typeof right !== 'number') return NaN
    const a = Number(left)
    const b = Number(right)
    return a < b ? -1 : a > b ? 1 : a === b ? 0 : NaN
  }
  if (typeof left === 'boolean') return typeof right === 'boolean' ? Number(left) - Number(right) : NaN
  if (left instanceof Uint8Array) return right instanceof Uint8Array ? Buffer.compare(left, right) : NaN
  if ((left instanceof Time && right instanceof Time) || (left instanceof Duration && right instanceof Duration))
    return left.nanos < right.nanos ? -1 : left.nanos > right.nanos ? 1 : 0
  return NaN
}

/** In the order of their bytes, as everybody else sorts them; that of JavaScript differs behind the surrogates. */
export function orderOfTexts(a: string, b: string): number {
  if (a === b) return 0
  // eslint-disable-next-line no-control-regex
  if (/[\uD800-\uFFFF]/.test(a) || /[\uD800-\uFFFF]/.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b))
  return a < b ? -1 : 1
}
