/** Golden pairs: see `case.ts`. */
export { readGoldenCases, type GoldenCase } from './case.ts'
export { expectedOf, runHere, type Outcome } from './here.ts'
export { readWireCases } from './wire-case.ts'
export { runWireHere } from './wire-here.ts'
