/** The search bar's language: text to a storage filter. */
export { QueryError } from './error.ts'
export { MAX_QUERY_LENGTH, parseQuery } from './parse.ts'
