/** A place for a value that a cache may empty. It belongs to what the value is of, so that finding it costs no look-up. */
export class Slot {
  value: unknown
  /** Of the value in memory; 0 while there is none. */
  bytes = 0
  queue: Queue | undefined
  older: Slot | undefined
  newer: Slot | undefined
  readonly forget: (() => void) | undefined

  /** `forget`: called when the cache has emptied it and does not remember it any more. */
  constructor(forget?: () => void) {
    this.forget = forget
  }
}

/** Of what was not here lately, so much is kept, as a share of the cache. */
const PROBATION_SHARE = 1 / 8
/** What was emptied is remembered until as many others were as there are values here, and at least so many. */
const MIN_REMEMBERED = 8

/**
 * Keeps values up to a total of bytes. What a query that looks at everything loads, once and for nothing else, does not push out what is asked
 * again and again: where there is no room for all, it passes through a small part, and only what comes again while it is remembered stays, until it is
 * the one that was used longest ago (2Q: Johnson and Shasha, 1994). A value of more than all is not kept.
 */
export class ByteCache {
  readonly #kept = new Queue()
  readonly #probation = new Queue()
  readonly #remembered = new Queue()
  readonly #maxBytes: number

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** The slot's value, loaded when it is empty. */
  get<T>(slot: Slot, load: () => T, bytesOf: (value: T) => number): T {
    if (slot.bytes > 0) {
      if (slot.queue === this.#kept) this.#kept.renew(slot)
      return slot.value as T
    }
    const value = load()
    const bytes = bytesOf(value) + 1
    if (bytes > this.#maxBytes) return value
    const queue = this.#wouldKeep(slot, bytes) ? this.#kept : this.#probation
    slot.queue?.remove(slot)
    slot.value = value
    slot.bytes = bytes
    queue.add(slot)
    this.#makeRoom(slot)
    return value
  }

  /** What `use` makes of the slot's value, which is given to `free` then unless it is kept. */
  use<T, R>(
    slot: Slot,
    load: () => T,
    bytesOf: (value: T) => number,
    use: (value: T) => R,
    free: (value: T) => void,
  ): R {
    const { value, isOwn } = this.take(slot, load, bytesOf)
    try {
      return use(value)
    } finally {
      if (isOwn) free(value)
    }
  }

  /** The slot's value; `isOwn`: it is not kept, and belongs to who asked. */
  take<T>(slot: Slot, load: () => T, bytesOf: (value: T) => number): { readonly value: T; readonly isOwn: boolean } {
    if (slot.bytes > 0) return { value: this.get(slot, load, bytesOf), isOwn: false }
    const value = load()
    if (this.#wouldKeep(slot, bytesOf(value) + 1)) return { value: this.get(slot, () => value, bytesOf), isOwn: false }
    this.#remember(slot)
    return { value, isOwn: true }
  }

  empty(slot: Slot): void {
    slot.queue?.remove(slot)
    slot.bytes = 0
    slot.value = undefined
  }

  get #bytes(): number {
    return this.#kept.bytes + this.#probation.bytes
  }

  #wouldKeep(slot: Slot, bytes: number): boolean {
    const free = this.#maxBytes - (slot.queue === this.#remembered ? 0 : this.#bytes)
    return bytes <= free
  }

  /** The newest stays, whatever it takes. */
  #makeRoom(newest: Slot): void {
    const canGive = ({ oldest }: Queue): boolean => oldest !== undefined && oldest !== newest
    while (this.#probation.bytes > PROBATION_SHARE * this.#maxBytes && canGive(this.#probation))
      this.#evict(this.#probation.oldest!)
    while (this.#bytes > this.#maxBytes) {
      const from = canGive(this.#kept) ? this.#kept : this.#probation
      if (!canGive(from)) break
      this.#evict(from.oldest!)
    }
  }

  #evict(slot: Slot): void {
    this.empty(slot)
    this.#remember(slot)
  }

  #remember(slot: Slot): void {
    slot.queue?.remove(slot)
    this.#remembered.add(slot)
    const most = Math.max(MIN_REMEMBERED, this.#kept.count + this.#probation.count)
    while (this.#remembered.count > most) {
      const { oldest } = this.#remembered
      this.#remembered.remove(oldest!)
      oldest!.forget?.()
    }
  }
}

/** Slots from the one that came, or was used, last to the one for which that is longest ago. */
class Queue {
  bytes = 0
  count = 0
  oldest: Slot | undefined
  #newest: Slot | undefined

  add(slot: Slot): void {
    this.bytes += slot.bytes
    this.count++
    slot.queue = this
    this.#link(slot)
  }

  remove(slot: Slot): void {
    this.bytes -= slot.bytes
    this.count--
    slot.queue = undefined
    this.#unlink(slot)
  }

  renew(slot: Slot): void {
    if (slot === this.#newest) return
    this.#unlink(slot)
    this.#link(slot)
  }

  #link(slot: Slot): void {
    slot.older = this.#newest
    slot.newer = undefined
    if (this.#newest) this.#newest.newer = slot
    this.#newest = slot
    this.oldest ??= slot
  }

  #unlink(slot: Slot): void {
    if (slot.older) slot.older.newer = slot.newer
    else this.oldest = slot.newer
    if (slot.newer) slot.newer.older = slot.older
    else this.#newest = slot.older
    slot.older = slot.newer = undefined
  }
}
