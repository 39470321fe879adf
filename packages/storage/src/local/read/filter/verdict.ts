/**
 * What is known of a condition: that it is false, true, or not yet which. The numbers are such that `and` is the least of several, `or` the
 * greatest, and `not` what is missing to 2 (Kleene's logic).
 */
export type Verdict = 0 | 1 | 2
export const NO = 0
export const UNKNOWN = 1
export const YES = 2

/** Of all rows of a block: one for all, or one each. An array is its receiver's to change. */
export type Verdicts = Verdict | Uint8Array

/** The verdicts on `and` (or `or`) of two conditions. */
export function combined(op: 'and' | 'or', a: Verdicts, b: Verdicts): Verdicts {
  const [decisive, neutral] = op === 'and' ? [NO, YES] : [YES, NO]
  if (a === decisive || b === decisive) return decisive
  if (a === neutral) return b
  if (b === neutral) return a
  if (typeof a === 'number') return typeof b === 'number' ? UNKNOWN : withUnknown(op, b)
  if (typeof b === 'number') return withUnknown(op, a)
  if (op === 'and') for (let row = 0; row < a.length; row++) a[row] = Math.min(a[row]!, b[row]!)
  else for (let row = 0; row < a.length; row++) a[row] = Math.max(a[row]!, b[row]!)
  return a
}

function withUnknown(op: 'and' | 'or', rows: Uint8Array): Uint8Array {
  for (let row = 0; row < rows.length; row++) {
    if (op === 'and' ? rows[row] === YES : rows[row] === NO) rows[row] = UNKNOWN
  }
  return rows
}

export function negated(verdicts: Verdicts): Verdicts {
  if (typeof verdicts === 'number') return (YES - verdicts) as Verdict
  for (let row = 0; row < verdicts.length; row++) verdicts[row] = YES - verdicts[row]!
  return verdicts
}

/** Whether the condition is false on every row. */
export function isAllNo(verdicts: Verdicts): boolean {
  return typeof verdicts === 'number' ? verdicts === NO : !verdicts.includes(YES) && !verdicts.includes(UNKNOWN)
}
