/** A place for a value that a cache may empty. It belongs to what the value is of, so that finding it costs no look-up. */
export class Slot {
  value: unknown
  /** Of the value in memory; 0 while there is none. */
  bytes = 0
  older: Slot | undefined
  newer: Slot | undefined
}

/** Keeps values up to a total of bytes; what was used longest ago goes first. A value of more than that is not kept. */
export class ByteCache {
  #bytes = 0
  #newest: Slot | undefined
  #oldest: Slot | undefined
  readonly #maxBytes: number

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** The slot's value, loaded when it is empty. */
  get<T>(slot: Slot, load: () => T, bytesOf: (value: T) => number): T {
    if (slot.bytes > 0) {
      if (slot !== this.#newest) {
        this.#unlink(slot)
        this.#link(slot)
      }
      return slot.value as T
    }
    const value = load()
    const bytes = bytesOf(value) + 1
    if (bytes > this.#maxBytes) return value
    slot.value = value
    slot.bytes = bytes
    this.#bytes += bytes
    this.#link(slot)
    while (this.#bytes > this.#maxBytes && this.#oldest && this.#oldest !== slot) this.empty(this.#oldest)
    return value
  }

  empty(slot: Slot): void {
    if (slot.bytes === 0) return
    this.#unlink(slot)
    this.#bytes -= slot.bytes
    slot.bytes = 0
    slot.value = undefined
  }

  #link(slot: Slot): void {
    slot.older = this.#newest
    slot.newer = undefined
    if (this.#newest) this.#newest.newer = slot
    this.#newest = slot
    this.#oldest ??= slot
  }

  #unlink(slot: Slot): void {
    if (slot.older) slot.older.newer = slot.newer
    else this.#oldest = slot.newer
    if (slot.newer) slot.newer.older = slot.older
    else this.#newest = slot.older
    slot.older = slot.newer = undefined
  }
}
