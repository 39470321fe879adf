import {
  formatHostPort,
  CollectorError,
  EMPTY_CONTEXT,
  type AuthData,
  type Budget,
  type DeliveryContext,
  type Lease,
  type Metadata,
  type Peer,
  type SenderAccount,
} from '../component/index.ts'
import type { Holding } from '../otlp-protocol/body-buffer.ts'

/**
 * One request that is being taken: what it holds, who sent it, and whether somebody still waits for its answer. Whoever gives a call
 * up while its body is read frees the body; from then on the bytes belong to the stage that works on them, and are
 * accounted for until that is done. It is the context that goes with the batch, so that a request needs no second object.
 */
export class Call implements Holding, DeliveryContext {
  readonly budget: Budget
  readonly lease: Lease
  metadata: Metadata = EMPTY_CONTEXT.metadata
  auth: AuthData | undefined
  readonly tenant = undefined
  readonly sender: SenderAccount
  readonly #socket: Peer | undefined
  #deadline: number | undefined
  #state: 'waiting' | 'left' | 'answered' = 'waiting'
  #leaving: AbortController | undefined

  /** `reclaim`: gives the body up, see {@link Budget.take}. `socket`: the one that it came by. */
  constructor(budget: Budget, reclaim: () => void, sender: SenderAccount, socket?: Peer) {
    this.budget = budget
    this.sender = sender
    // Nothing is refused that asks for nothing.
    this.lease = budget.take(0, 'body', reclaim)!
    this.#socket = socket
  }

  /** Nobody waits for the answer any more: the client left, or its deadline passed. */
  get left(): boolean {
    return this.#state === 'left'
  }

  leave(): void {
    if (this.#state !== 'waiting') return
    this.#state = 'left'
    this.#leaving?.abort()
  }

  /** The pipelines have taken or refused it: from now on nobody can leave. */
  answered(): void {
    if (this.#state === 'waiting') this.#state = 'answered'
  }

  get deadline(): number | undefined {
    return this.#state === 'answered' ? undefined : this.#deadline
  }

  set deadline(deadline: number | undefined) {
    this.#deadline = deadline
  }

  get signal(): AbortSignal | undefined {
    if (this.#leaving === undefined && this.#state !== 'answered') {
      this.#leaving = new AbortController()
      if (this.left) this.#leaving.abort()
    }
    return this.#leaving?.signal
  }

  get peer(): string | undefined {
    try {
      const { remoteAddress: address, remotePort: port } = this.#socket ?? {}
      return address === undefined || port === undefined ? undefined : formatHostPort(address, port)
    } catch {
      // A session of HTTP/2 that has ended has no socket any more.
      return undefined
    }
  }
}

/** For a sender whose body came so slowly that others got its bytes. */
export function tooSlow(): CollectorError {
  const message = 'the message came too slowly while the memory for requests in flight was used up; try again'
  return new CollectorError('overloaded', message, { retryAfterMs: 1000 })
}
