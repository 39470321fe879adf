/** Events on their way from whoever tells them to one reader. Of those that overtake each other only the latest is kept. */
export class EventQueue<T> {
  #events: T[] = []
  #wake: () => void = () => {}
  readonly #overtakes: (event: T) => boolean

  /** `overtakes`: an event that makes one before it of its kind needless. */
  constructor(overtakes: (event: T) => boolean) {
    this.#overtakes = overtakes
  }

  push(event: T): void {
    if (this.#overtakes(event)) this.#events = this.#events.filter((each) => !this.#overtakes(each))
    this.#events.push(event)
    this.#wake()
  }

  /** All events, as they come, until `end` settles. Does not throw what it rejects with. */
  async *until(end: Promise<unknown>): AsyncGenerator<T> {
    let hasEnded = false
    const ended = (): void => {
      hasEnded = true
      this.#wake()
    }
    end.then(ended, ended)
    for (;;) {
      const events = this.#events
      this.#events = []
      yield* events
      if (this.#events.length > 0) continue
      if (hasEnded) return
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}
