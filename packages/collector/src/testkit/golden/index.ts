/** Golden pairs: see `case.ts`. */
export { readGoldenCases } from './case.ts'
export { expectedOf, runHere } from './here.ts'
