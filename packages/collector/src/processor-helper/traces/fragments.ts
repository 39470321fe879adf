/** The fragments of traces: for each request that had spans of a trace, one serialized request of these spans, kept by a {@link SpanStore}. */
import type { Chunk } from '@spoor/otlp'
import type { Facts } from './facts.ts'
import { grown } from './grown.ts'
import { NONE, type TraceTable } from './trace-table.ts'

/** What is to be kept. */
export interface Fragment {
  /** Four words from `at` on. */
  readonly words: Uint32Array
  readonly at: number
  readonly bytes: Uint8Array
  readonly spans: number
  readonly hasRoot: boolean
  /** What is known of its spans, and in which row; undefined where they are to be read. */
  readonly facts?: Facts | undefined
  readonly factsRow?: number | undefined
}

/** Keeps bytes, in memory or on the disk. */
export interface SpanStore {
  /** Whether what was put is there after the end of the process. */
  readonly isPersistent: boolean
  /** Keeps them; gives a number for each, in their order. Rejects with a `CollectorError` where they cannot be kept, none of them then. */
  put(fragments: readonly Fragment[]): Promise<readonly number[]> | readonly number[]
  /** The bytes of a number, until it is removed: whoever keeps them longer makes a copy. */
  read(ref: number, length: number): Uint8Array
  remove(refs: readonly number[], lengths: readonly number[]): void
  close(): void
}

const FIRST_CAPACITY = 512

/** Of each trace of a table the list of its fragments, in typed arrays. */
export class FragmentLists {
  readonly #table: TraceTable
  readonly #store: SpanStore
  /** Fragments that are kept. */
  count = 0
  /** Their bytes. */
  byteLength = 0
  #refs = new Float64Array(FIRST_CAPACITY)
  #lengths = new Float64Array(FIRST_CAPACITY)
  #spans = new Uint32Array(FIRST_CAPACITY)
  /** The next of the same trace; of one that is free: the next such. */
  #next = new Int32Array(FIRST_CAPACITY)
  #free = NONE
  #used = 0

  constructor(table: TraceTable, store: SpanStore) {
    this.#table = table
    this.#store = store
  }

  /** Adds what was put as the last of the trace in that row. */
  append(row: number, ref: number, length: number, spans: number): void {
    const { head: fragment } = this.alone(ref, length, spans)
    const { head, tail } = this.#table
    if (head[row] === NONE) head[row] = fragment
    else this.#next[tail[row]!] = fragment
    tail[row] = fragment
  }

  /** One that is of no trace in the table. */
  alone(ref: number, length: number, spans: number): Detached {
    const head = this.#take()
    this.#refs[head] = ref
    this.#lengths[head] = length
    this.#spans[head] = spans
    this.#next[head] = NONE
    this.count++
    this.byteLength += length
    return { head, bytes: length, spans }
  }

  /** The fragments of the trace in that row, whose bytes are valid until they are removed. */
  chunksOf(row: number): Chunk[] {
    const chunks: Chunk[] = []
    for (let fragment = this.#table.head[row]!; fragment !== NONE; fragment = this.#next[fragment]!) {
      const bytes = this.#store.read(this.#refs[fragment]!, this.#lengths[fragment]!)
      chunks.push({ bytes, items: this.#spans[fragment]! })
    }
    return chunks
  }

  /** How many bytes they have. */
  bytesOf(row: number): number {
    let bytes = 0
    for (let fragment = this.#table.head[row]!; fragment !== NONE; fragment = this.#next[fragment]!)
      bytes += this.#lengths[fragment]!
    return bytes
  }

  /** Takes the fragments from the trace, which has none then; they are kept on until {@link remove}. */
  detach(row: number): Detached {
    const { head, tail } = this.#table
    const detached = { head: head[row]!, bytes: 0, spans: 0 }
    for (let fragment = detached.head; fragment !== NONE; fragment = this.#next[fragment]!) {
      detached.bytes += this.#lengths[fragment]!
      detached.spans += this.#spans[fragment]!
    }
    head[row] = tail[row] = NONE
    return detached
  }

  /** Those of them, as copies that belong to the caller. */
  copy({ head }: Detached): Chunk[] {
    const chunks: Chunk[] = []
    for (let fragment = head; fragment !== NONE; fragment = this.#next[fragment]!) {
      const bytes = this.#store.read(this.#refs[fragment]!, this.#lengths[fragment]!)
      chunks.push({ bytes: this.#store.isPersistent ? bytes : bytes.slice(), items: this.#spans[fragment]! })
    }
    return chunks
  }

  /** They are not needed any more. */
  remove({ head }: Detached): void {
    const refs: number[] = []
    const lengths: number[] = []
    for (let fragment = head; fragment !== NONE;) {
      refs.push(this.#refs[fragment]!)
      lengths.push(this.#lengths[fragment]!)
      this.count--
      this.byteLength -= this.#lengths[fragment]!
      const next = this.#next[fragment]!
      this.#next[fragment] = this.#free
      this.#free = fragment
      fragment = next
    }
    this.#store.remove(refs, lengths)
  }

  #take(): number {
    if (this.#free !== NONE) {
      const fragment = this.#free
      this.#free = this.#next[fragment]!
      return fragment
    }
    if (this.#used === this.#refs.length) {
      const capacity = 2 * this.#used
      this.#refs = grown(this.#refs, capacity)
      this.#lengths = grown(this.#lengths, capacity)
      this.#spans = grown(this.#spans, capacity)
      this.#next = grown(this.#next, capacity)
    }
    return this.#used++
  }
}

/** Fragments that are in no trace's list any more. */
export interface Detached {
  readonly head: number
  readonly bytes: number
  readonly spans: number
}
