import { StorageError, type CallOptions } from '../contract.ts'
import type { QueryMemory } from '../local/read/query-memory.ts'
import { Turn } from '../local/read/turn.ts'
import { systemClock } from '../local/runtime.ts'
import type { Connection, Statement } from './connection.ts'
import type { RowReader } from './row-binary.ts'

const DEFAULT_TIMEOUT_MS = 10_000
/** A timer takes at most 2^31 ms; what waits longer waits for ever. */
const LONGEST_MS = 2 ** 31 - 1
/** A timer may be early. */
const LATE_MS = 2

/** One question under way: its limits, and its way to the server. What it asks there ends with it. */
export class Query {
  readonly turn: Turn
  readonly #connection: Connection
  readonly #abort = new AbortController()
  readonly #timeoutMs: number
  readonly #caller: AbortSignal | undefined
  readonly #onAbort = (): void => this.cancel()
  /** Milliseconds that it has used while it was not paused, and since when it goes on. */
  #usedMs = 0
  #sinceMs = performance.now()
  #timer: NodeJS.Timeout | undefined
  #isOver: 'timeout' | 'cancelled' | StorageError | undefined
  #bytesRead = 0

  /** Throws StorageError `bad_query` for what is no limit. */
  constructor(connection: Connection, memory: QueryMemory, options: CallOptions = {}) {
    const { timeoutMs = DEFAULT_TIMEOUT_MS, maxBytes, signal } = options
    if (!(timeoutMs >= 0)) throw new StorageError('bad_query', `timeoutMs is ${timeoutMs}; 0 or more`)
    this.#connection = connection
    this.#timeoutMs = timeoutMs
    this.#caller = signal
    this.turn = new Turn(systemClock, timeoutMs, { memory, maxBytes, meter: () => this.#bytesRead })
    signal?.addEventListener('abort', this.#onAbort, { once: true })
    if (signal?.aborted) this.cancel()
    this.resume()
  }

  /** Rows that a statement gives, as they come; fewer when the query is over, see {@link isOver}. Throws StorageError. */
  async *rows<T>(statement: Statement, decode: (row: RowReader) => T, doing: string): AsyncGenerator<T[]> {
    if (this.isOver) return
    const limits = {
      signal: this.#abort.signal,
      timeoutMs: this.#leftMs,
      onBytes: (bytes: number) => (this.#bytesRead += bytes),
    }
    try {
      for await (const rows of this.#connection.rows(statement, decode, limits, doing)) {
        yield rows
        if (this.isOver) return
      }
    } catch (error) {
      if (!this.isOver) throw error
    }
  }

  async all<T>(statement: Statement, decode: (row: RowReader) => T, doing: string): Promise<T[]> {
    const all: T[] = []
    for await (const rows of this.rows(statement, decode, doing)) for (const row of rows) all.push(row)
    return all
  }

  /** Whether nothing more is to be done for it. Throws when the store was closed. */
  get isOver(): boolean {
    if (this.#isOver instanceof StorageError) throw this.#isOver
    return this.#isOver !== undefined
  }

  /** For answers that cannot say that they are not complete. Throws StorageError `timeout` or `cancelled`. */
  throwIfOver(): void {
    if (!this.isOver) return
    throw this.#isOver === 'cancelled'
      ? new StorageError('cancelled', 'the query was cancelled by its caller')
      : new StorageError(
          'timeout',
          `the query was not done after ${this.#timeoutMs} ms; ask for less, or give it more time`,
        )
  }

  /** Nobody waits for it: its time stands still. */
  pause(): void {
    this.#usedMs += performance.now() - this.#sinceMs
    clearTimeout(this.#timer)
  }

  resume(): void {
    this.#sinceMs = performance.now()
    const left = this.#leftMs
    if (left <= 0) this.#end('timeout')
    else if (left < LONGEST_MS) this.#timer = setTimeout(() => this.#end('timeout'), left + LATE_MS)
  }

  /** The store is closed. */
  fail(error: StorageError): void {
    this.#end(error)
  }

  /** Nobody wants its answer any more. */
  cancel(): void {
    this.turn.cancel()
    this.#end('cancelled')
  }

  /** Gives back what it has, when nothing is done for it any more. */
  end(): void {
    this.cancel()
    this.#caller?.removeEventListener('abort', this.#onAbort)
    this.turn.end()
  }

  get #leftMs(): number {
    return this.#timeoutMs - this.#usedMs - (performance.now() - this.#sinceMs)
  }

  #end(reason: 'timeout' | 'cancelled' | StorageError): void {
    this.#isOver ??= reason
    clearTimeout(this.#timer)
    this.#abort.abort()
  }
}
