/** Keys that the configurations of processors with statements share. */
import { z } from 'zod'
import { didYouMean } from '../component/index.ts'
import type { ContextName } from './contexts.ts'
import type { Problem } from './statements.ts'

const MODES = ['ignore', 'silent', 'propagate'] as const

const lower = (value: unknown): unknown => (typeof value === 'string' ? value.toLowerCase() : value)

export const errorModeKey = z.preprocess(
  lower,
  z.enum(MODES, {
    error: ({ input }) => `unknown error mode${didYouMean(String(input), MODES)}; known: ${MODES.join(', ')}`,
  }),
)

/** One of the contexts of a signal. */
export function contextKey(contexts: readonly ContextName[]) {
  return z.preprocess(
    lower,
    z.enum(contexts, {
      error: ({ input }) => `unknown context${didYouMean(String(input), contexts)}; known: ${contexts.join(', ')}`,
    }),
  )
}

/** What is wrong with statements, at the places where they are written. */
export function problemIssues(
  problems: readonly Problem[],
  pathOf: (problem: Problem) => PropertyKey[],
): { code: 'custom'; message: string; path: PropertyKey[] }[] {
  return problems.map((problem) => ({ code: 'custom', message: problem.message, path: pathOf(problem) }))
}
