/** The search bar's language: text to a storage filter. */
export { QueryError } from './error.ts'
export { parseQuery } from './parse.ts'
