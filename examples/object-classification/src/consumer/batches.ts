/** Gathers what comes one by one into batches, which are handled one after the other. */

/** How batches are made. */
export interface BatchOptions<T> {
  /** The most in one batch. */
  readonly size: number
  /** How long the first one waits for others, ms. */
  readonly waitMs: number
  /** Never rejects. */
  readonly handle: (batch: readonly T[]) => Promise<void>
}

/** What waits for its batch. Whoever adds bounds it. */
export class Batches<T> {
  readonly #options: BatchOptions<T>
  #waiting: T[] = []
  #timer: NodeJS.Timeout | undefined
  #handling: Promise<void> | undefined
  #closed = false

  constructor(options: BatchOptions<T>) {
    this.#options = options
  }

  add(one: T): void {
    if (this.#closed) return
    this.#waiting.push(one)
    this.#look()
  }

  /** Resolves when the batch that is handled is done; what waits is left where it is. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#handling
  }

  /** Begins with a full batch at once, with another one when its first has waited long enough. */
  #look(): void {
    if (this.#handling || this.#closed || this.#waiting.length === 0) return
    const { size, waitMs } = this.#options
    if (this.#waiting.length >= size) this.#begin()
    else this.#timer ??= setTimeout(() => this.#begin(), waitMs)
  }

  #begin(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const { size, handle } = this.#options
    this.#handling = handle(this.#waiting.splice(0, size)).finally(() => {
      this.#handling = undefined
      // What has come meanwhile has waited already.
      if (!this.#closed && this.#waiting.length > 0) this.#begin()
    })
  }
}
