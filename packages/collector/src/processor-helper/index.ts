/** What processors are built from: edits of batches, attribute actions, `include` and `exclude`, regular expressions, values, what a trace state says about sampling. */
export { actionsKey, compileActions, constantSteps, hostOf } from './actions.ts'
export { createChangingProcessor, createEditingProcessor, editBatch } from './edit.ts'
export {
  compileResourceTest,
  compileSelection,
  matchKeys,
  matchParts,
  matchProblems,
  matchPropertiesOf,
  type MatchProperties,
  type Selection,
} from './match.ts'
export { int64Of, parseDouble, parseInt64 } from './go-numbers.ts'
export { compileRegex, quoteRegex, RegexError, regexKey, type Regex } from './regex.ts'
export {
  ALWAYS,
  HEX_DIGITS,
  HIGHEST,
  MIN_PROBABILITY,
  NEVER,
  probabilityOf,
  randomnessFrom,
  thresholdFrom,
  thresholdOf,
  thresholdText,
} from './threshold.ts'
export { TraceState } from './trace-state.ts'
export { holderKeys, NONE, TraceHolder, TraceTable, type Detached, type Found, type Mark } from './traces/index.ts'
export { isSameValue, json, scalarText, text, valueOf, valueText } from './value.ts'
