import { CollectorError, type Budget, type Lease } from '../../component/index.ts'
import type { Holding } from '../../otlp-protocol/body-buffer.ts'

/**
 * One request that is being taken: what it holds, and whether somebody still waits for its answer. Whoever gives a call
 * up while its body is read frees the body; from then on the bytes belong to the stage that works on them, and are
 * accounted for until that is done.
 */
export class Call implements Holding {
  readonly budget: Budget
  readonly lease: Lease
  /** Nobody waits for the answer any more: the client left, or its deadline passed. */
  left = false

  /** `reclaim`: gives the body up, see {@link Budget.take}. */
  constructor(budget: Budget, reclaim: () => void) {
    this.budget = budget
    // Nothing is refused that asks for nothing.
    this.lease = budget.take(0, 'body', reclaim)!
  }
}

/** For a sender whose body came so slowly that others got its bytes. */
export function tooSlow(): CollectorError {
  const message = 'the message came too slowly while the memory for requests in flight was used up; try again'
  return new CollectorError('overloaded', message, { retryAfterMs: 1000 })
}
