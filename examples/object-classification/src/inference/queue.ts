/** A bounded line of jobs that run one after the other: the model has one thread. */

/** A place in the line could not be had. */
export class QueueFullError extends Error {
  override readonly name = 'QueueFullError'
}

/** Runs jobs in the order in which they came. */
export class JobQueue {
  readonly #limit: number
  #waiting = 0
  #last: Promise<unknown> = Promise.resolve()

  /** @param limit Jobs that may wait or run at once. */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** Jobs that wait or run. */
  get length(): number {
    return this.#waiting
  }

  get isFull(): boolean {
    return this.#waiting >= this.#limit
  }

  /**
   * Runs `job` when all earlier ones have ended.
   *
   * @param onTurn Called when the wait is over, just before the job.
   * @throws {QueueFullError} At once, when `limit` jobs are in the line.
   */
  async add<T>(job: () => Promise<T>, onTurn: () => void): Promise<T> {
    if (this.isFull) throw new QueueFullError(`${this.#limit} images are waiting already`)
    this.#waiting++
    const turn = this.#last.then(async () => {
      onTurn()
      return job()
    })
    this.#last = turn.catch(() => undefined)
    try {
      return await turn
    } finally {
      this.#waiting--
    }
  }
}
