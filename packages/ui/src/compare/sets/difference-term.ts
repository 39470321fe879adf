import type { CompareResponse } from 'spoor/api'
import { termOf } from '../../search/query-text.ts'

export type Difference = CompareResponse['differences'][number]

/** Words of the query language that an attribute's key may not be taken for. */
const taken = /^(?:(?:span|resource|scope|event|link|trace|root)\..*|service|name|kind|status|duration|scope|has)$/

/** The key of a difference as the query language has it. */
export function keyOf({ field, attribute = '', level }: Difference): string {
  if (field) return field
  const plain = /^[\w.-]+$/.test(attribute)
  if (level) return `${level}.${plain ? attribute : JSON.stringify(attribute)}`
  return plain && !taken.test(attribute) ? attribute : JSON.stringify(attribute)
}

/** The condition that finds what has the value. */
export function differenceTerm(difference: Difference): string {
  return termOf(keyOf(difference), difference.value)
}
