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

/** A budget for answers alone. `maxBytes`: the limit, default 128 MiB. */
export function createAnswerBudget(maxBytes = 128 * 1024 * 1024): AnswerBudget {
  let used = 0
  return {
    take(first) {
      let held = 0
      const lease: AnswerLease = {
        grow(bytes) {
          if (used + bytes > maxBytes) return false
          used += bytes
          held += bytes
          return true
        },
        release() {
          used -= held
          held = 0
        },
      }
      return lease.grow(first) ? lease : undefined
    },
  }
}
