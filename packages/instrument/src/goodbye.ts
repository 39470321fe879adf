import type { NeverEnded } from './open-spans.ts'
import { spansText } from './failure.ts'

/** How many kinds of spans that never ended are named. */
const maxKinds = 3

/** What the last line of a process is made of. */
export interface Goodbye {
  readonly exported: number
  readonly dropped: number
  readonly failed: number
  /** Traces that the sampler has decided against. */
  readonly notSampled: number
  readonly samplerText: string
  readonly notSampledByCaller: number
  readonly open: number
  readonly neverEnded: readonly NeverEnded[]
}

/** What did not become a span that arrived, in one line; undefined when there is nothing to tell. */
export function goodbyeText(goodbye: Goodbye): string | undefined {
  const parts: string[] = []
  if (goodbye.notSampled > 0)
    parts.push(`${countText(goodbye.notSampled, 'trace')} not sampled (${goodbye.samplerText})`)
  if (goodbye.notSampledByCaller > 0) {
    parts.push(`${countText(goodbye.notSampledByCaller, 'request')} not recorded because the caller had not sampled it`)
  }
  if (goodbye.dropped > 0) parts.push(`${spansText(goodbye.dropped)} dropped`)
  if (goodbye.open > 0) parts.push(`${spansText(goodbye.open)} never ended: ${neverEndedText(goodbye.neverEnded)}`)
  if (parts.length === 0) return undefined
  if (goodbye.failed > 0) parts.unshift(`${spansText(goodbye.failed)} lost`)
  return `${spansText(goodbye.exported)} exported; ${parts.join('; ')}`
}

function neverEndedText(kinds: readonly NeverEnded[]): string {
  const named = kinds
    .slice(0, maxKinds)
    .map(({ name, scope, count }) => `"${name}" of ${scope}${count > 1 ? ` (${count})` : ''}`)
  return named.join(', ') + (kinds.length > maxKinds ? `, and ${kinds.length - maxKinds} more kinds` : '')
}

function countText(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`
}
