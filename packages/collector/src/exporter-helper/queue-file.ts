/**
 * The batches of a persistent queue, in a {@link SqliteFile}.
 *
 *     batches (number, signal, items, crc32, bytes, metadata)      bytes: one serialized request; metadata: JSON, of the partition
 */
import type * as sqlite from 'node:sqlite'
import { crc32 } from 'node:zlib'
import { createBatch, joinBytes, type Signal, type TelemetryBatch } from '@spoor/otlp'
import { CollectorError, SqliteFile, type Logger } from '../component/index.ts'

/** A batch that is in the file. */
export interface Stored {
  readonly number: number
  readonly signal: Signal
  readonly items: number
  /** Of its bytes. */
  readonly byteLength: number
  /** What was put with it. Default: none. */
  readonly metadata: string | null
}

export interface QueueFileOptions {
  /** Whether a batch is on the disk when it is put; else it is with the system, which survives the end of the process. */
  readonly fsync: boolean
  /** What the file may have at most. Undefined: no limit. */
  readonly maxBytes?: number | undefined
  readonly logger: Logger
}

interface Row {
  readonly signal: Signal
  readonly items: number
  readonly crc32: number
  readonly bytes: Uint8Array
}

const WHAT = 'persistent queue'
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS batches (
    number INTEGER PRIMARY KEY, signal TEXT NOT NULL, items INTEGER NOT NULL, crc32 INTEGER NOT NULL, bytes BLOB NOT NULL, metadata TEXT
  ) STRICT`

export class QueueFile {
  readonly #file: SqliteFile
  readonly #insert: sqlite.StatementSync
  readonly #select: sqlite.StatementSync
  readonly #delete: sqlite.StatementSync
  #next: number
  /** What is to be taken out and could not be. */
  readonly #left: number[] = []
  /** What was in it when it was opened, the oldest first. */
  readonly found: readonly Stored[]

  /** Opens the file, or makes it; see {@link SqliteFile.open}. */
  static open(file: string, options: QueueFileOptions): QueueFile {
    return SqliteFile.open(file, { what: WHAT, schema: SCHEMA, ...options }, (opened) => new QueueFile(opened))
  }

  private constructor(file: SqliteFile) {
    this.#file = file
    const { database } = file
    addMetadata(database)
    this.#insert = database.prepare('INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?)')
    this.#select = database.prepare('SELECT signal, items, crc32, bytes FROM batches WHERE number = ?')
    this.#delete = database.prepare('DELETE FROM batches WHERE number = ?')
    const rows = database.prepare(
      'SELECT number, signal, items, length(bytes) AS byteLength, metadata FROM batches ORDER BY number',
    )
    this.found = rows.all() as unknown as Stored[]
    this.#next = (this.found.at(-1)?.number ?? 0) + 1
  }

  /** Resolves when the batch is in the file. Rejects with `unavailable` where it cannot be written, as on a full disk. */
  async put(batch: TelemetryBatch, metadata: string | null = null): Promise<Stored> {
    const { stored, insert } = this.#row(batch, metadata)
    await this.#file.change(insert, stored.byteLength)
    return stored
  }

  /** Puts the batches in the place of one, all of them or none. Throws `unavailable` where it cannot be written. */
  replace({ number, metadata }: Stored, batches: readonly TelemetryBatch[]): readonly Stored[] {
    const rows = batches.map((batch) => this.#row(batch, metadata))
    const error = this.#file.transact(() => {
      this.#delete.run(number)
      rows.forEach(({ insert }) => insert())
    })
    if (error) throw error
    return rows.map(({ stored }) => stored)
  }

  /** Throws `internal` when it is damaged. */
  get({ number }: Stored): TelemetryBatch {
    const row = this.#read(number)
    if (!row || crc32(row.bytes) !== row.crc32) {
      throw new CollectorError('internal', `batch ${number} of the persistent queue is damaged`)
    }
    return createBatch(row.signal, [{ bytes: row.bytes, items: row.items }])
  }

  /**
   * Takes it out, and what could not be taken out before. A crash soon after it may bring it back. Rejects with `unavailable` where it cannot be
   * written: it is taken out with the next one then, or found again.
   */
  async remove({ number }: Stored): Promise<void> {
    const numbers = [...this.#left.splice(0), number]
    try {
      await this.#file.change(() => numbers.forEach((each) => this.#delete.run(each)))
    } catch (error) {
      this.#left.push(...numbers)
      throw error
    }
  }

  /** Whether a transaction ends only when it is on the disk. */
  get isSynced(): boolean {
    return this.#file.isSynced
  }

  /** Gives free space back to the file system, a part of it at a time. */
  shrink(): void {
    this.#file.shrink()
  }

  /** Writes what is to be written. */
  close(): void {
    this.#file.close()
  }

  #row(batch: TelemetryBatch, metadata: string | null): { readonly stored: Stored; readonly insert: () => void } {
    const { signal, items, byteLength } = batch
    const number = this.#next++
    const bytes = joinBytes(batch.chunks.map((chunk) => chunk.bytes))
    return {
      stored: { number, signal, items, byteLength, metadata },
      insert: () => this.#insert.run(number, signal, items, crc32(bytes), bytes, metadata),
    }
  }

  #read(number: number): Row | undefined {
    try {
      return this.#select.get(number) as Row | undefined
    } catch {
      return undefined
    }
  }
}

/** Files of before have no such column. */
function addMetadata(database: sqlite.DatabaseSync): void {
  const columns = database.prepare("SELECT name FROM pragma_table_info('batches')").all()
  if (columns.some(({ name }) => name === 'metadata')) return
  database.exec('ALTER TABLE batches ADD COLUMN metadata TEXT')
}
