/** What processors are built from: edits of batches, attribute actions, `include` and `exclude`, regular expressions, values. */
export { actionsKey, compileActions } from './actions.ts'
export { createEditingProcessor } from './edit.ts'
export { compileSelection, matchKeys, matchProblems } from './match.ts'
export { parseDouble } from './go-numbers.ts'
export { compileRegex, regexKey, type Regex } from './regex.ts'
export { scalarText, text, valueText } from './value.ts'
