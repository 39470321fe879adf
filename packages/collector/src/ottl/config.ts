/** Keys that the configurations of processors with statements share. */
import { wordKey } from '../component/index.ts'
import type { ContextName } from './contexts.ts'
import type { Problem } from './statements.ts'

export const errorModeKey = wordKey('error mode', ['ignore', 'silent', 'propagate'])

/** That of the processor, where a group says nothing. `what`: a statement or a condition. */
export function defaultErrorModeKey(what: string) {
  return errorModeKey
    .default('ignore')
    .describe(
      `What happens with a ${what} that fails for an item, for it has a value of another type: \`ignore\` tells it and goes on with the next ${what}, \`silent\` only goes on, \`propagate\` refuses the batch for good. Before 0.150 the Collector had \`propagate\` where nothing is written.`,
    )
}

/** One of the contexts of a signal. */
export function contextKey(contexts: readonly ContextName[]) {
  return wordKey('context', contexts)
}

/** What is wrong with statements, at the places where they are written. */
export function problemIssues(
  problems: readonly Problem[],
  pathOf: (problem: Problem) => PropertyKey[],
): { code: 'custom'; message: string; path: PropertyKey[] }[] {
  return problems.map((problem) => ({ code: 'custom', message: problem.message, path: pathOf(problem) }))
}
