/** The OpenTelemetry Transformation Language: statements and conditions over telemetry, on its bytes. */
export { CONTEXTS, depthOf, type ContextName } from './contexts.ts'
export { Item } from './node.ts'
export { traceStateAt } from './trace-state.ts'
export { PlainMap } from './plain-map.ts'
export { compileChooser, type Chooser, type ChooserSource } from './chooser.ts'
export {
  compileConditions,
  compileStatements,
  watchConditions,
  type Conditions,
  type FailureListener,
  type Statements,
} from './statements.ts'
export { createEditor, failureListeners, listenersWith } from './processor.ts'
export { contextKey, defaultErrorModeKey, errorModeKey, problemIssues } from './config.ts'
