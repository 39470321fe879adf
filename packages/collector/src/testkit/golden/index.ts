/** Golden pairs: see `case.ts`. */
export { readGoldenCases } from './case.ts'
export { expectedOf, runHere } from './here.ts'
export { readWireCases } from './wire-case.ts'
export { runWireHere } from './wire-here.ts'
