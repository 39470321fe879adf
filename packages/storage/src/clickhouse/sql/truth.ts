/**
 * What a statement can say of a condition, as a bound on each side: `may` is true of all rows of which the condition is true, and perhaps of more; `must` of none of which
 * it is not, and perhaps not of all. Where the two are the same text, it says it exactly. So that a condition that has no exact form in SQL costs some rows more, and
 * no answer.
 */
export interface Truth {
  readonly may: string
  readonly must: string
}

const TRUE = '1'
const FALSE = '0'
export const UNKNOWN: Truth = { may: TRUE, must: FALSE }
export const NEVER: Truth = { may: FALSE, must: FALSE }

export function exactly(sql: string): Truth {
  return { may: sql, must: sql }
}

/** True of no fewer rows than it should. */
export function atMost(sql: string): Truth {
  return { may: sql, must: FALSE }
}

export function isExact({ may, must }: Truth): boolean {
  return may === must
}

export function both(truths: readonly Truth[]): Truth {
  return { may: allOf(truths.map(({ may }) => may)), must: allOf(truths.map(({ must }) => must)) }
}

export function either(truths: readonly Truth[]): Truth {
  return { may: anyOf(truths.map(({ may }) => may)), must: anyOf(truths.map(({ must }) => must)) }
}

export function negated({ may, must }: Truth): Truth {
  return { may: not(must), must: not(may) }
}

export function allOf(terms: readonly string[]): string {
  const left = terms.filter((term) => term !== TRUE)
  if (left.includes(FALSE)) return FALSE
  return left.length === 0 ? TRUE : left.length === 1 ? left[0]! : `(${left.join(' AND ')})`
}

export function anyOf(terms: readonly string[]): string {
  const left = terms.filter((term) => term !== FALSE)
  if (left.includes(TRUE)) return TRUE
  return left.length === 0 ? FALSE : left.length === 1 ? left[0]! : `(${left.join(' OR ')})`
}

function not(term: string): string {
  return term === TRUE ? FALSE : term === FALSE ? TRUE : `NOT ${term.startsWith('(') ? term : `(${term})`}`
}
