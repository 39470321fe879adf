/**
 * The batches of a persistent queue, in a file of SQLite, which comes with Node: whole batches or none, whenever the process is killed; one
 * process at a time, by a lock of the kernel; pages that are free again are used again.
 *
 *     batches (number, signal, items, crc32, bytes, metadata)      bytes: one serialized request; metadata: JSON, of the partition
 *
 * What comes at the same time is written by one transaction, so that many senders share one sync.
 */
import { renameSync } from 'node:fs'
import type * as sqlite from 'node:sqlite'
import { crc32 } from 'node:zlib'
import { createBatch, joinBytes, type Signal, type TelemetryBatch } from '@spoor/otlp'
import { CollectorError, loadSqlite, transact, type Logger } from '../component/index.ts'

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
  readonly logger: Logger
}

interface Row {
  readonly signal: Signal
  readonly items: number
  readonly crc32: number
  readonly bytes: Uint8Array
}

type Work = (error?: CollectorError) => void

/** `SQLITE_CORRUPT` and `SQLITE_NOTADB`. */
const DAMAGED: readonly unknown[] = [11, 26]
const BUSY = 5
/** The log of SQLite is cut to this when it was larger. Bytes. */
const MAX_LOG_BYTES = 16 * 1024 * 1024
/** Free pages of 4 KiB that are given back to the file system at a time. */
const MAX_FREED_PAGES = 1024

const SCHEMA = `
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA auto_vacuum = INCREMENTAL;
  PRAGMA journal_mode = WAL;
  PRAGMA journal_size_limit = ${MAX_LOG_BYTES};
  CREATE TABLE IF NOT EXISTS batches (
    number INTEGER PRIMARY KEY, signal TEXT NOT NULL, items INTEGER NOT NULL, crc32 INTEGER NOT NULL, bytes BLOB NOT NULL, metadata TEXT
  ) STRICT;
`

export class QueueFile {
  readonly #database: sqlite.DatabaseSync
  readonly #insert: sqlite.StatementSync
  readonly #select: sqlite.StatementSync
  readonly #delete: sqlite.StatementSync
  /** What the next transaction does. */
  #changes: (() => void)[] = []
  /** Who waits for it. */
  #waiting: Work[] = []
  #next: number
  /** What was in it when it was opened, the oldest first. */
  readonly found: readonly Stored[]

  /**
   * Opens the file, or makes it. One that is damaged is set aside, with an error in the log.
   *
   * @throws CollectorError `unavailable` where another process has it, or the system does not let it be opened
   */
  static open(file: string, options: QueueFileOptions): QueueFile {
    try {
      return new QueueFile(file, options)
    } catch (error) {
      const code = (error as { errcode?: unknown }).errcode
      const message = (error as Error).message
      if (code === BUSY)
        throw new CollectorError('unavailable', `another process has the queue in ${file}`, { cause: error })
      if (!DAMAGED.includes(code)) {
        throw new CollectorError('unavailable', `cannot open the queue in ${file}: ${message}`, { cause: error })
      }
      const aside = `${file}.damaged-${Date.now()}`
      renameSync(file, aside)
      options.logger.error(
        { file, aside, error: message },
        'A persistent queue is damaged. It was set aside; a new one is begun.',
      )
      return new QueueFile(file, options)
    }
  }

  private constructor(file: string, { fsync }: QueueFileOptions) {
    const { DatabaseSync } = loadSqlite()
    this.#database = new DatabaseSync(file)
    try {
      this.#database.exec(`${SCHEMA} PRAGMA synchronous = ${fsync ? 'FULL' : 'NORMAL'};`)
      this.#addMetadata()
      this.#insert = this.#database.prepare('INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?)')
      this.#select = this.#database.prepare('SELECT signal, items, crc32, bytes FROM batches WHERE number = ?')
      this.#delete = this.#database.prepare('DELETE FROM batches WHERE number = ?')
      const rows = this.#database.prepare(
        'SELECT number, signal, items, length(bytes) AS byteLength, metadata FROM batches ORDER BY number',
      )
      this.found = rows.all() as unknown as Stored[]
    } catch (error) {
      this.#database.close()
      throw error
    }
    this.#next = (this.found.at(-1)?.number ?? 0) + 1
  }

  /** Resolves when the batch is in the file. Rejects with `unavailable` where it cannot be written, as on a full disk. */
  async put(batch: TelemetryBatch, metadata: string | null = null): Promise<Stored> {
    const { stored, insert } = this.#row(batch, metadata)
    await this.#change(insert)
    return stored
  }

  /** Puts the batches in the place of one, all of them or none. Throws `unavailable` where it cannot be written. */
  replace({ number, metadata }: Stored, batches: readonly TelemetryBatch[]): readonly Stored[] {
    const rows = batches.map((batch) => this.#row(batch, metadata))
    const error = this.#transact([() => this.#delete.run(number), ...rows.map(({ insert }) => insert)])
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

  /** Takes it out. A crash soon after it may bring it back. */
  async remove({ number }: Stored): Promise<void> {
    await this.#change(() => this.#delete.run(number))
  }

  /** Whether a transaction ends only when it is on the disk. */
  get isSynced(): boolean {
    return this.#database.prepare('PRAGMA synchronous').get()?.['synchronous'] === 2
  }

  /** Gives free space back to the file system, a part of it at a time. */
  shrink(): void {
    try {
      this.#database.exec(`PRAGMA incremental_vacuum(${MAX_FREED_PAGES})`)
    } catch {
      // It is tried again.
    }
  }

  /** Writes what is to be written. */
  close(): void {
    this.#flush()
    this.#database.close()
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

  /** Files of before have no such column. */
  #addMetadata(): void {
    const columns = this.#database.prepare("SELECT name FROM pragma_table_info('batches')").all()
    if (columns.some(({ name }) => name === 'metadata')) return
    this.#database.exec('ALTER TABLE batches ADD COLUMN metadata TEXT')
  }

  #read(number: number): Row | undefined {
    try {
      return this.#select.get(number) as Row | undefined
    } catch {
      return undefined
    }
  }

  async #change(change: () => void): Promise<void> {
    this.#changes.push(change)
    if (this.#changes.length === 1) setImmediate(() => this.#flush())
    await new Promise<void>((resolve, reject) => this.#waiting.push((error) => (error ? reject(error) : resolve())))
  }

  #flush(): void {
    const changes = this.#changes
    const waiting = this.#waiting
    if (changes.length === 0) return
    this.#changes = []
    this.#waiting = []
    const error = this.#transact(changes)
    for (const work of waiting) work(error)
  }

  #transact(changes: readonly (() => void)[]): CollectorError | undefined {
    try {
      transact(this.#database, () => changes.forEach((change) => change()))
      return undefined
    } catch (error) {
      const message = `the persistent queue cannot be written: ${(error as Error).message}`
      return new CollectorError('unavailable', message, { cause: error })
    }
  }
}
