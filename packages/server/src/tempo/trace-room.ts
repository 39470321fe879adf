import type { QueryCall } from '../http/query-call.ts'

/** Memory for one trace after the other, each of which is forgotten before the next: as much as the largest takes. */
export class TraceRoom {
  readonly #call: QueryCall
  #mostBytes = 0

  constructor(call: QueryCall) {
    this.#call = call
  }

  forOne(): (bytes: number) => boolean {
    let held = 0
    return (bytes) => {
      held += bytes
      if (held <= this.#mostBytes) return true
      const isRoom = this.#call.room.grow(held - this.#mostBytes)
      if (isRoom) this.#mostBytes = held
      return isRoom
    }
  }
}
