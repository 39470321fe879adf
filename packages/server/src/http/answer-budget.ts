/**
 * Bytes that answers hold while they are made and sent. The form is that of the collector's budget for bytes in flight, so that one
 * budget can serve what comes in and what goes out.
 */
export interface AnswerBudget {
  /** A lease for so many bytes, or undefined when there is no room for them. */
  take(bytes: number, stage: 'answer'): AnswerLease | undefined
}

export interface AnswerLease {
  /** Asks for more; false when there is no room: then nothing has changed. */
  grow(bytes: number): boolean
  release(): void
}

/** Bytes that one answer holds at most as it is streamed: a chunk of the store, and the text that is made of it. */
export const ANSWER_BYTES = 2 * 1024 * 1024

/**
 * The answers' own bound, and within it what `shared` has for them: a lease takes from both, so that answers never use up what is
 * needed to receive, and what is received counts against them. `maxBytes`: the own bound, default 128 MiB.
 */
export function createAnswerBudget(maxBytes = 128 * 1024 * 1024, shared?: AnswerBudget): AnswerBudget {
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
