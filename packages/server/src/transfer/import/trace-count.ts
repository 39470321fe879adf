import type { SpanColumns } from '@spoor/otlp'

/** Traces that are counted exactly: 32 MiB. */
const MAX_TRACES = 1 << 21

/** Counts distinct trace ids, up to two million. */
export class TraceCount {
  size = 0
  /** There are more than were counted. */
  isFull = false
  #ids = new BigUint64Array(2 << 10)

  add({ traceId, count }: SpanColumns): void {
    const view = new DataView(traceId.buffer, traceId.byteOffset)
    let last = 0n
    for (let row = 0; row < count; row++) {
      const id = mixed(view.getBigUint64(16 * row, true), view.getBigUint64(16 * row + 8, true))
      // Spans of one trace often follow each other.
      if (id !== last) this.#insert(id, true)
      last = id
    }
  }

  #insert(id: bigint, isNew: boolean): void {
    const mask = this.#ids.length - 1
    let slot = Number(BigInt.asUintN(32, id ^ (id >> 29n))) & mask
    while (this.#ids[slot] !== 0n) {
      if (this.#ids[slot] === id) return
      slot = (slot + 1) & mask
    }
    if (isNew && this.size >= MAX_TRACES) {
      this.isFull = true
      return
    }
    this.#ids[slot] = id
    if (!isNew) return
    this.size++
    if (2 * this.size > this.#ids.length) this.#grow()
  }

  #grow(): void {
    const old = this.#ids
    this.#ids = new BigUint64Array(2 * old.length)
    for (const id of old) if (id !== 0n) this.#insert(id, false)
  }
}

/** Both halves in one: ids of 64 bits have zeros in the first. Not 0, which stands for an empty place. */
function mixed(low: bigint, high: bigint): bigint {
  return BigInt.asUintN(64, low ^ (high * 0x9e37_79b9_7f4a_7c15n)) || 1n
}
