/** The results of the last requests, and those that are still being worked on. */
import type { SpanContext } from '@opentelemetry/api'
import type { EnsembleResult } from '../service/prediction.ts'

/** How a request stands. */
type Outcome =
  | { readonly state: 'pending' }
  | { readonly state: 'done'; readonly result: EnsembleResult }
  | { readonly state: 'failed'; readonly message: string }

/** A request that was accepted. */
export interface Entry {
  readonly requestId: string
  /** The span of its background work, for links. */
  readonly work: SpanContext
  outcome(): Outcome
  /** Resolves with the outcome as soon as it is not pending, or with `pending` after `waitMs` or on abort. */
  wait(waitMs: number, signal: AbortSignal): Promise<Outcome>
}

/** Keeps a bounded number of results in memory; the oldest ones go first. */
export class ResultStore {
  readonly #limit: number
  readonly #entries = new Map<string, Entry>()
  #pending = 0

  /** @param limit Results that are kept, those that are pending included. */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** Requests that are being worked on. */
  get pending(): number {
    return this.#pending
  }

  /** Keeps what `work` will come to. A rejection is kept as a failure. */
  add(requestId: string, span: SpanContext, work: Promise<EnsembleResult>): void {
    let outcome: Outcome = { state: 'pending' }
    this.#pending++
    const settled = work.then(
      (result) => (outcome = { state: 'done', result }),
      (error: unknown) =>
        (outcome = { state: 'failed', message: error instanceof Error ? error.message : String(error) }),
    )
    void settled.finally(() => this.#pending--)
    this.#entries.set(requestId, {
      requestId,
      work: span,
      outcome: () => outcome,
      wait: async (waitMs, signal) => {
        if (signal.aborted) return outcome
        const { promise: given, resolve: giveUp } = Promise.withResolvers<void>()
        const timer = setTimeout(giveUp, waitMs)
        signal.addEventListener('abort', () => giveUp(), { once: true })
        await Promise.race([settled, given])
        clearTimeout(timer)
        return outcome
      },
    })
    for (const id of this.#entries.keys()) {
      if (this.#entries.size <= this.#limit) break
      this.#entries.delete(id)
    }
  }

  /** @returns `undefined` for a request that is not known, or no longer. */
  get(requestId: string): Entry | undefined {
    return this.#entries.get(requestId)
  }

  /** Resolves when nothing is pending any more. */
  async drain(): Promise<void> {
    for (const entry of this.#entries.values())
      if (entry.outcome().state === 'pending') await entry.wait(60_000, new AbortController().signal)
  }
}
