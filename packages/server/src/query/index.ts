/** The search bar's language: text to a set of spans, and back. */
export { QueryError } from './error.ts'
export { formatQuery } from './format.ts'
export { parseFilter, parseQuery } from './sets.ts'
export { targetOf } from './term.ts'
