/** Keys that the configurations of processors with statements share. */
import { wordKey } from '../component/index.ts'
import type { ContextName } from './contexts.ts'
import type { Problem } from './statements.ts'

export const errorModeKey = wordKey('error mode', ['ignore', 'silent', 'propagate'])

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
