import { type CollectorError } from './error.ts'
import { sleep } from './sleep.ts'
import { toCollectorError } from './status.ts'

const FIRST_RETRY_MS = 100
const LAST_RETRY_MS = 5_000

export interface Trying {
  /** From its abort on, waits are short, until that of the deadline. */
  readonly stopping: AbortSignal
  readonly deadline: AbortSignal
  /** Hears of each refusal after which it is tried again. */
  readonly refused: (error: CollectorError) => void
}

/**
 * Hands over what is kept until it is taken, with waits of 100 ms at first and up to 5 s, or as long as whoever refuses asks for. Gives the error
 * that it ended with: one that is final, or the last one where the deadline has come. Undefined: it was taken.
 */
export async function keepTrying(
  hand: () => Promise<void>,
  { stopping, deadline, refused }: Trying,
): Promise<CollectorError | undefined> {
  let retryMs = FIRST_RETRY_MS
  for (;;) {
    try {
      await hand()
      return undefined
    } catch (thrown) {
      const error = toCollectorError(thrown)
      if (!error.retryable || deadline.aborted) return error
      refused(error)
      const delayMs = Math.max(retryMs, error.requestedDelayMs ?? 0)
      await (stopping.aborted ? sleep(FIRST_RETRY_MS, deadline) : sleep(delayMs, stopping))
      retryMs = Math.min(retryMs * 2, LAST_RETRY_MS)
    }
  }
}
