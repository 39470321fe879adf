import { randomUUID } from 'node:crypto'
import type { TelemetryBatch } from '@spoor/otlp'
import { StorageError } from '../../contract.ts'
import type { StoreEvent } from '../../events.ts'
import { storeError } from '../error.ts'
import { RowWriter } from '../row-binary.ts'
import { SpanRows } from './rows.ts'

const INSERT_BYTES = 32 << 20
/** Memory that is kept for the next one. */
const KEPT_BYTES = 8 << 20
/** How long an insert that fails is tried again, how long it is waited the first time, and at most. Milliseconds. */
const TRY_MS = 15_000
const FIRST_WAIT_MS = 100
const MOST_WAIT_MS = 3_000

/** Stores rows: resolves when they are stored, rejects with StorageError. What has the same token is stored once. */
export type Insert = (rows: Uint8Array, token: string, signal: AbortSignal) => Promise<void>

/** A batch's rows in an insert. */
interface Part {
  readonly start: number
  readonly end: number
  readonly spans: number
  readonly resolve: () => void
  readonly reject: (error: StorageError) => void
}

/** Rows that are stored together. */
interface Group {
  readonly rows: SpanRows
  parts: Part[]
  token: string
}

/**
 * Stores batches. While an insert is under way what comes is put together to the next one: many small batches are few inserts, and what they cost is the server's to say. When that
 * one is full, too, whoever sends waits. An insert that fails and may succeed is sent again, under the same token.
 */
export class Inserter {
  /** Spans that are stored. */
  appended = 0
  readonly #insert: Insert
  readonly #tell: (event: StoreEvent) => void
  readonly #insertBytes: number
  readonly #id = randomUUID()
  readonly #abort = new AbortController()
  #filling: Group = newGroup()
  #spare: Group = newGroup()
  #lastBatch = 0
  #isAtWork = false
  #refusal: StorageError | undefined
  /** Who waits for room. */
  #waiting: (() => void)[] = []
  #idle: (() => void)[] = []
  #failures = 0
  #failingSinceMs = 0

  /** `insertBytes`: of rows, beyond which the next batch is one of the next insert. */
  constructor(
    insert: Insert,
    tell: (event: StoreEvent) => void,
    { insertBytes = INSERT_BYTES }: { readonly insertBytes?: number } = {},
  ) {
    this.#insert = insert
    this.#tell = tell
    this.#insertBytes = insertBytes
  }

  /** Of rows that are not stored yet, beside those of an insert that is under way. */
  get pendingBytes(): number {
    return this.#filling.rows.row.at
  }

  async append(batch: TelemetryBatch): Promise<void> {
    if (batch.signal !== 'traces')
      throw new StorageError(
        'bad_query',
        `append: the store keeps traces, not ${batch.signal}; send ${batch.signal} to another exporter`,
      )
    if (this.#refusal) throw this.#refusal
    if (batch.byteLength === 0) return
    if (batch.chunks.reduce((sum, chunk) => sum + chunk.bytes.length, 0) !== batch.byteLength)
      throw new StorageError('bad_query', 'append: the memory of the batch was freed before it was stored')
    while (this.pendingBytes >= this.#insertBytes) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
      if (this.#refusal) throw this.#refusal
    }
    return this.#add(batch)
  }

  /** Stores no more; resolves when all that are under way are answered, rejects with what was given up after `deadlineMs`. */
  async close(reason: StorageError, deadlineMs: number): Promise<void> {
    this.#refusal ??= reason
    this.#admit()
    if (!this.#isAtWork) return
    const idle = new Promise<true>((resolve) => this.#idle.push(() => resolve(true)))
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), deadlineMs)))
    const isDone = await Promise.race([idle, late])
    clearTimeout(timer)
    if (isDone) return
    this.#abort.abort()
    await idle
    throw new StorageError('timeout', `closing took longer than ${deadlineMs} ms: what was being stored was given up`)
  }

  #add(batch: TelemetryBatch): Promise<void> {
    const { rows, parts } = this.#filling
    const { row } = rows
    const [start, count] = [row.at, rows.count]
    if (parts.length === 0) {
      rows.batch = this.#nextBatch()
      this.#filling.token = `${this.#id}-${rows.batch}`
    }
    let spans = 0
    try {
      for (const { bytes } of batch.chunks) spans += rows.add(bytes)
    } catch (error) {
      row.at = start
      rows.count = count
      return Promise.reject(storeError(error, 'append'))
    }
    if (spans === 0) return Promise.resolve()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    parts.push({ start, end: row.at, spans, resolve, reject })
    if (!this.#isAtWork) {
      this.#isAtWork = true
      // What comes in the same turn is of the same insert.
      setImmediate(() => void this.#work())
    }
    return promise
  }

  /** Microseconds since 1970, and each once. */
  #nextBatch(): number {
    return (this.#lastBatch = Math.max(this.#lastBatch + 1, Date.now() * 1_000))
  }

  async #work(): Promise<void> {
    while (this.#filling.parts.length > 0) {
      const group = this.#filling
      this.#filling = this.#spare
      this.#admit()
      await this.#store(group)
      group.parts = []
      group.rows.count = 0
      group.rows.row.clear(KEPT_BYTES)
      this.#spare = group
    }
    this.#isAtWork = false
    for (const done of this.#idle.splice(0)) done()
  }

  /** Lets in who waits for room. */
  #admit(): void {
    for (const go of this.#waiting.splice(0)) go()
  }

  async #store({ rows, parts, token }: Group): Promise<void> {
    const { written } = rows.row
    const error = await this.#try(written, token)
    if (!error) return this.#settle(parts, undefined)
    if (error.retryable || parts.length === 1) return this.#settle(parts, error)
    // One of them is refused: which, each for itself tells.
    for (const [i, part] of parts.entries())
      this.#settle([part], await this.#try(written.subarray(part.start, part.end), `${token}-${i}`))
  }

  #settle(parts: readonly Part[], error: StorageError | undefined): void {
    for (const { spans, resolve, reject } of parts) {
      if (error) reject(error)
      else {
        this.appended += spans
        resolve()
      }
    }
  }

  /** Sends rows until they are stored, or will not be; undefined: they are. */
  async #try(rows: Uint8Array, token: string): Promise<StorageError | undefined> {
    const { signal } = this.#abort
    const endMs = performance.now() + TRY_MS
    for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, MOST_WAIT_MS)) {
      try {
        await this.#insert(rows, token, signal)
        this.#works()
        return undefined
      } catch (thrown) {
        const error = storeError(thrown, 'append')
        if (!error.retryable) return error
        this.#fails(error)
        if (signal.aborted || performance.now() + waitMs > endMs) return error
        await pause(waitMs, signal)
      }
    }
  }

  #fails({ message }: StorageError): void {
    if (this.#failures++ > 0) return
    this.#failingSinceMs = performance.now()
    this.#tell({ code: 'failing', part: 'server', reason: message })
  }

  #works(): void {
    if (this.#failures === 0) return
    const afterMs = Math.round(performance.now() - this.#failingSinceMs)
    this.#tell({ code: 'recovered_again', part: 'server', afterMs, failures: this.#failures })
    this.#failures = 0
  }
}

function newGroup(): Group {
  return { rows: new SpanRows(new RowWriter()), parts: [], token: '' }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end, { once: true })
  })
}
