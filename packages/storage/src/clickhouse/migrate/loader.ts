import { randomUUID } from 'node:crypto'
import type { StorageError } from '../../contract.ts'
import { storeError } from '../error.ts'
import { RowWriter } from '../row-binary.ts'
import type { Insert } from '../write/inserter.ts'
import { SpanRows } from '../write/rows.ts'

/** Of rows, beyond which they are stored. */
const INSERT_BYTES = 32 << 20
/** How long an insert that fails is tried again, and how long it is waited in between. Milliseconds. */
const TRY_MS = 120_000
const WAIT_MS = 1_000

/** Stores spans in large inserts: while one is under way the next one fills. */
export class Loader {
  /** Spans that are stored. */
  stored = 0
  readonly #insert: Insert
  readonly #signal: AbortSignal
  readonly #id = randomUUID()
  readonly #insertBytes: number
  #batch: number
  #filling = new SpanRows(new RowWriter(INSERT_BYTES))
  #spare = new SpanRows(new RowWriter(INSERT_BYTES))
  #storing: Promise<void> = Promise.resolve()

  /** `batch`: the number of the first insert. */
  constructor(insert: Insert, batch: number, signal: AbortSignal, insertBytes = INSERT_BYTES) {
    this.#insert = insert
    this.#batch = batch
    this.#signal = signal
    this.#insertBytes = insertBytes
  }

  /** Resolves when there is room for more. Rejects with StorageError when what came before could not be stored. */
  async add(bytes: Uint8Array): Promise<void> {
    const rows = this.#filling
    rows.batch = this.#batch
    rows.add(bytes)
    if (rows.row.at >= this.#insertBytes) await this.#next()
  }

  /** Resolves when all is stored. */
  async finish(): Promise<void> {
    if (this.#filling.count > 0) await this.#next()
    await this.#storing
  }

  async #next(): Promise<void> {
    await this.#storing
    const rows = this.#filling
    this.#filling = this.#spare
    this.#spare = rows
    this.#batch++
    this.#storing = this.#store(rows)
    // It is awaited by the next one, or at the end.
    this.#storing.catch(() => {})
  }

  async #store(rows: SpanRows): Promise<void> {
    const endMs = performance.now() + TRY_MS
    for (;;) {
      const error = await this.#try(rows)
      if (!error) break
      if (!error.retryable || this.#signal.aborted || performance.now() > endMs) throw error
      await new Promise((resolve) => setTimeout(resolve, WAIT_MS))
    }
    this.stored += rows.count
    rows.count = 0
    rows.row.clear(rows.row.bytes.length)
  }

  /** Sent again it has the same token, and is stored once. */
  async #try({ row, batch }: SpanRows): Promise<StorageError | undefined> {
    try {
      await this.#insert(row.written, `${this.#id}-${batch}`, this.#signal)
      return undefined
    } catch (error) {
      return storeError(error, 'storing')
    }
  }
}
