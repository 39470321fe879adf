import type { Filter } from '../../../contract.ts'

/** What tells one filter from another: of two with the same key each finds what the other does, in any block. */
export function filterKey(filter: Filter): string {
  return JSON.stringify(filter, exactly)
}

/** What JSON has no words for is told by an object, which no value of a filter is: `5n` is neither '5n' nor 5. */
function exactly(_name: string, value: unknown): unknown {
  if (typeof value === 'bigint') return { bigint: String(value) }
  if (typeof value !== 'number' || (Number.isFinite(value) && !Object.is(value, -0))) return value
  return { number: Object.is(value, -0) ? '-0' : String(value) }
}
