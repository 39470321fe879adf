/** The OpenTelemetry Transformation Language: statements and conditions over telemetry, on its bytes. */
export { CONTEXTS, depthOf, type ContextName } from './contexts.ts'
export { Item } from './node.ts'
export { traceStateAt } from './trace-state.ts'
export { PlainMap } from './plain-map.ts'
export {
  compileConditions,
  compileStatements,
  type Conditions,
  type FailureListener,
  type Statements,
} from './statements.ts'
export { createEditor, failureListeners } from './processor.ts'
export { contextKey, defaultErrorModeKey, errorModeKey, problemIssues } from './config.ts'
