/** Bytes that answers hold while they are made and sent. */
export interface AnswerBudget {
  /** A lease for so many bytes, or undefined when there is no room for them. */
  take(bytes: number, stage: 'answer'): AnswerLease | undefined
}

/** What the answers' own bound lies within: that of the collector. */
export interface SharedBudget {
  take(bytes: number, stage: 'answer'): Pick<AnswerLease, 'grow' | 'release'> | undefined
  /** See {@link AnswerLease.pass}. */
  pass(bytes: number): void
}

export interface AnswerLease {
  /** Asks for more; false when there is no room: then nothing has changed. */
  grow(bytes: number): boolean
  /** So many bytes of the answer, made and handed on, are garbage soon: so that it is seen and collected. */
  pass(bytes: number): void
  release(): void
}

/** Bytes that one answer holds at most as it is streamed: a chunk of the store, and the text that is made of it. */
export const ANSWER_BYTES = 2 * 1024 * 1024
/** The same of one that is told as it comes: what one look finds. */
export const TAIL_BYTES = 512 * 1024

/**
 * The answers' own bound, and within it what `shared` has for them: a lease takes from both, so that answers never use up what is
 * needed to receive, and what is received counts against them. `maxBytes`: the own bound, default 128 MiB.
 */
export function createAnswerBudget(maxBytes = 128 * 1024 * 1024, shared?: SharedBudget): AnswerBudget {
  let used = 0
  return {
    take(first) {
      const rest = shared?.take(0, 'answer')
      let held = 0
      const lease: AnswerLease = {
        grow(bytes) {
          if (used + bytes > maxBytes || rest?.grow(bytes) === false) return false
          used += bytes
          held += bytes
          return true
        },
        pass: (bytes) => shared?.pass(bytes),
        release() {
          used -= held
          held = 0
          rest?.release()
        },
      }
      return lease.grow(first) ? lease : undefined
    },
  }
}
