/** What a policy is: it looks at a trace, and says what it would do with it. */
import type { Chunk, Question } from '@spoor/otlp'
import { someItem } from '@spoor/otlp'

/** What a policy, or all together, say of a trace. Only policies of type `drop` say `dropped`, which overrules all others. */
export type Decision = 'sampled' | 'not_sampled' | 'dropped'

/** What a policy sees of a trace. */
export interface Trace {
  /** 16 bytes. */
  readonly id: Uint8Array
  /** Spans and bytes of all that came of it so far. */
  readonly spans: number
  readonly bytes: number
  /** What is looked at: requests with spans of this trace alone, in the order in which they came. */
  readonly chunks: readonly Chunk[]
  /** What is known without a look at the spans, of all that `chunks` has. Bit n: a span has status code n. */
  readonly statuses?: number | undefined
  /** From the first start to the last end. */
  readonly durationNs?: number | undefined
}

export interface Policy {
  /** Throws {@link PolicyError} where it cannot say. */
  decide(trace: Trace): Decision
}

/** A policy that cannot decide about a trace; it then counts as if it were not there. */
export class PolicyError extends Error {
  override readonly name = 'PolicyError'
}

/** Whether it is true for any resource or span. */
export function someOf({ chunks }: Trace, question: Question<'traces'>): boolean {
  return chunks.some(({ bytes }) => someItem('traces', bytes, question))
}

export const keepWhere = (isTrue: boolean): Decision => (isTrue ? 'sampled' : 'not_sampled')
