import { takeMemory, type TelemetryBatch } from '@spoor/otlp'
import { StorageError } from '../../contract.ts'
import type { Clock } from '../runtime.ts'
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
  readonly spans: number
  /** On the monotonic clock, in milliseconds. */
  readonly sinceMs: number
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
 * others, and its chunks may be views of a buffer that somebody still reads. Only a large one that was given (`giveMemory` of @spoor/otlp)
 * is moved as it is. What comes in within one turn of the event loop goes in one message. Bytes in flight are bounded; beyond it `append`
 * waits, first come first served.
 *
 * Every batch is answered exactly once, whatever the writer says or does not: an answer to a batch that has been given up is not heard.
 * While there is no writer, all are refused at once; a sender that is told to come again keeps them better than a queue here.
 */
export class Outbox {
  /** Spans acknowledged. */
  appended = 0
  readonly #clock: Clock
  readonly #post: (message: ToWriter, transfer: ArrayBuffer[]) => void
  readonly #maxBytes: number
  #inFlight = 0
  #nextId = 0
  readonly #waiting = new Map<number, Waiting>()
  /** Appends that wait for room, first come first served. */
  #queue: Waiting[] = []
  readonly #spare = new Map<number, ArrayBuffer[]>([
    [SMALL_SLAB, []],
    [LARGE_SLAB, []],
  ])
  #slab: OpenSlab | undefined
  #scheduled = false
  /** Why nothing is taken: for now, or for good. */
  #refusal: StorageError | undefined
  #closed = false
  #idle: (() => void) | undefined

  constructor(clock: Clock, maxBytes: number, post: (message: ToWriter, transfer: ArrayBuffer[]) => void) {
    this.#clock = clock
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
    if (this.#refusal) throw this.#refusal
    if (batch.byteLength === 0) return
    // A shorter one would be stored, acknowledged, and be nothing.
    if (batch.chunks.reduce((sum, chunk) => sum + chunk.bytes.length, 0) !== batch.byteLength) {
      throw new StorageError('bad_query', 'append: the memory of the batch was freed before it was stored')
    }
    const bytes = batch.byteLength
    if (this.#queue.length > 0 || !this.#hasRoom(bytes)) {
      const { items: spans } = batch
      await new Promise<void>((resolve, reject) =>
        this.#queue.push({ resolve, reject, bytes, spans, sinceMs: this.#clock.monotonicMs() }),
      )
      if (this.#refusal) {
        this.#inFlight -= bytes
        throw this.#refusal
      }
    } else this.#inFlight += bytes
    await new Promise<void>((resolve, reject) => this.#add(batch, resolve, reject))
    this.appended += batch.items
  }

  /** The writer has answered for these batches; `error`: they are not stored. */
  settle(ids: readonly number[], slabs: readonly ArrayBuffer[], error: StorageError | undefined): void {
    for (const slab of slabs) {
      const spare = this.#spare.get(slab.byteLength)
      if (spare && spare.length < SPARE_SLABS) spare.push(slab)
      // Its memory is free at once, and not when V8 gets to it.
      else slab.transfer(0)
    }
    for (const id of ids) {
      const waiting = this.#waiting.get(id)
      if (!waiting) continue
      const { resolve, reject, bytes } = waiting
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
    this.#closed = true
    this.#refusal = reason
    this.#admit()
    if (this.#waiting.size > 0) await new Promise<void>((resolve) => (this.#idle = resolve))
  }

  /** What comes is refused until {@link resume}, and so is what waits for room; what the writer has is its to answer. */
  refuse(error: StorageError): void {
    if (!this.#closed) this.#refusal = error
    this.#admit()
  }

  /** The writer is gone: all that it has not answered is refused, and so is what comes, until {@link resume}. */
  fail(error: StorageError): void {
    if (!this.#closed) this.#refusal = error
    this.#slab = undefined
    this.settle([...this.#waiting.keys()], [], error)
  }

  /** There is a writer again. */
  resume(): void {
    if (!this.#closed) this.#refusal = undefined
  }

  /** Batches and spans that are not answered yet. */
  get unanswered(): { readonly batches: number; readonly spans: number } {
    let spans = 0
    for (const waiting of [...this.#waiting.values(), ...this.#queue]) spans += waiting.spans
    return { batches: this.#waiting.size + this.#queue.length, spans }
  }

  /** Refuses what has waited for room longer than this. First come first served: it is at the front. */
  expire(maxMs: number): void {
    while (this.#queue.length > 0 && this.#clock.monotonicMs() - this.#queue[0]!.sinceMs > maxMs) {
      const error = new StorageError(
        'overloaded',
        `append: no room within ${maxMs / 1000} s; send it again later, or more slowly`,
      )
      this.#queue.shift()!.reject(error)
    }
  }

  /** How long the writer has had the oldest batch that it has not answered, in milliseconds. */
  get oldestMs(): number {
    for (const { sinceMs } of this.#waiting.values()) return this.#clock.monotonicMs() - sinceMs
    return 0
  }

  /** A batch that is larger than the limit goes alone. */
  #hasRoom(bytes: number): boolean {
    return this.#inFlight === 0 || this.#inFlight + bytes <= this.#maxBytes
  }

  #admit(): void {
    let admitted = 0
    for (const { bytes, resolve, reject } of this.#queue) {
      if (this.#refusal) reject(this.#refusal)
      else if (this.#hasRoom(bytes)) {
        this.#inFlight += bytes
        resolve()
      } else break
      admitted++
    }
    this.#queue = this.#queue.slice(admitted)
  }

  #add(batch: TelemetryBatch, resolve: () => void, reject: (error: Error) => void): void {
    const id = this.#nextId++
    const { byteLength: bytes, items: spans } = batch
    this.#waiting.set(id, { resolve, reject, bytes, spans, sinceMs: this.#clock.monotonicMs() })
    const whole = bytes > LARGE_SLAB ? takeMemory(batch) : undefined
    if (whole) {
      this.#flush()
      this.#post({ type: 'append', slab: whole, ids: [id], ends: [bytes] }, [whole])
      return
    }
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
    void this.#clock.turn().then(() => {
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
