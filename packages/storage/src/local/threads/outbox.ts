import type { TelemetryBatch } from '@spoor/otlp'
import { StorageError } from '../../contract.ts'
import type { ToWriter } from './protocol.ts'

/** Sizes of the buffers in which bytes go to the writer: for a turn with little in it, and for one with much. */
const SMALL_SLAB = 1 << 16
const LARGE_SLAB = 1 << 20
/** Empty ones that are kept, of each size. */
const SPARE_SLABS = 16

interface Waiting {
  readonly resolve: () => void
  readonly reject: (error: Error) => void
  readonly bytes: number
}

/** A slab that is being filled: batches end to end. */
interface OpenSlab {
  readonly buffer: ArrayBuffer
  readonly bytes: Uint8Array
  used: number
  readonly ids: number[]
  readonly ends: number[]
}

/**
 * Takes batches to the writer. The bytes are copied into slabs that go to and fro between the threads: a batch may be fanned out to
 * others, and its chunks may be views of a buffer that somebody still reads, so nothing of it is ever transferred. What comes in
 * within one turn of the event loop goes in one message. Bytes in flight are bounded; beyond it `append` waits, first come first
 * served.
 */
export class Outbox {
  /** Spans acknowledged. */
  appended = 0
  readonly #post: (message: ToWriter, transfer: ArrayBuffer[]) => void
  readonly #maxBytes: number
  #inFlight = 0
  #nextId = 0
  readonly #waiting = new Map<number, Waiting>()
  /** Appends that wait for room, first come first served. */
  #queue: { readonly bytes: number; readonly admit: () => void }[] = []
  readonly #spare = new Map<number, ArrayBuffer[]>([
    [SMALL_SLAB, []],
    [LARGE_SLAB, []],
  ])
  #slab: OpenSlab | undefined
  #scheduled = false
  #closed: StorageError | undefined
  #idle: (() => void) | undefined

  constructor(maxBytes: number, post: (message: ToWriter, transfer: ArrayBuffer[]) => void) {
    this.#maxBytes = maxBytes
    this.#post = post
  }

  async append(batch: TelemetryBatch): Promise<void> {
    if (batch.signal !== 'traces') {
      throw new StorageError(
        'bad_query',
        `append: the store keeps traces, not ${batch.signal}; send ${batch.signal} to another exporter`,
      )
    }
    if (this.#closed) throw this.#closed
    if (batch.byteLength === 0) return
    const bytes = batch.byteLength
    if (this.#queue.length > 0 || !this.#hasRoom(bytes)) {
      await new Promise<void>((admit) => this.#queue.push({ bytes, admit }))
      if (this.#closed) throw this.#closed
    } else this.#inFlight += bytes
    await new Promise<void>((resolve, reject) => this.#add(batch, resolve, reject))
    this.appended += batch.items
  }

  /** The writer has answered for these batches; `error`: they are not stored. */
  settle(ids: readonly number[], slabs: readonly ArrayBuffer[], error: StorageError | undefined): void {
    for (const slab of slabs) {
      const spare = this.#spare.get(slab.byteLength)
      if (spare && spare.length < SPARE_SLABS) spare.push(slab)
    }
    for (const id of ids) {
      const { resolve, reject, bytes } = this.#waiting.get(id)!
      this.#waiting.delete(id)
      this.#inFlight -= bytes
      if (error) reject(error)
      else resolve()
    }
    this.#admit()
    if (this.#waiting.size === 0) this.#idle?.()
  }

  /** No further appends; resolves when all that are under way are answered. */
  async drain(reason: StorageError): Promise<void> {
    this.#closed = reason
    this.#admit()
    if (this.#waiting.size > 0) await new Promise<void>((resolve) => (this.#idle = resolve))
  }

  /** The writer is gone: nobody will answer any more. */
  fail(error: StorageError): void {
    this.#closed = error
    this.settle([...this.#waiting.keys()], [], error)
  }

  /** A batch that is larger than the limit goes alone. */
  #hasRoom(bytes: number): boolean {
    return this.#inFlight === 0 || this.#inFlight + bytes <= this.#maxBytes
  }

  #admit(): void {
    let admitted = 0
    for (const { bytes, admit } of this.#queue) {
      if (!this.#closed && !this.#hasRoom(bytes)) break
      if (!this.#closed) this.#inFlight += bytes
      admit()
      admitted++
    }
    this.#queue = this.#queue.slice(admitted)
  }

  #add(batch: TelemetryBatch, resolve: () => void, reject: (error: Error) => void): void {
    const id = this.#nextId++
    this.#waiting.set(id, { resolve, reject, bytes: batch.byteLength })
    if (this.#slab && this.#slab.used + batch.byteLength > this.#slab.buffer.byteLength) this.#flush()
    const slab = (this.#slab ??= this.#newSlab(batch.byteLength))
    for (const { bytes } of batch.chunks) {
      slab.bytes.set(bytes, slab.used)
      slab.used += bytes.length
    }
    slab.ids.push(id)
    slab.ends.push(slab.used)
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#flush()
    })
  }

  #newSlab(bytes: number): OpenSlab {
    const size = bytes <= SMALL_SLAB / 2 ? SMALL_SLAB : Math.max(bytes, LARGE_SLAB)
    const buffer = this.#spare.get(size)?.pop() ?? new ArrayBuffer(size)
    return { buffer, bytes: new Uint8Array(buffer), used: 0, ids: [], ends: [] }
  }

  #flush(): void {
    const slab = this.#slab
    if (!slab) return
    this.#slab = undefined
    this.#post({ type: 'append', slab: slab.buffer, ids: slab.ids, ends: slab.ends }, [slab.buffer])
  }
}
