/**
 * A file of SQLite that one component writes: whole transactions or none, whenever the process is killed; one process at a time, by a lock of
 * the kernel; pages that are free again are used again. What comes at the same time is written by one transaction, so that many
 * senders share one sync. What makes the file larger is refused while some of the disk is left: without any, nothing could be taken out of the file
 * either, and it would keep the disk full for ever.
 */
import { renameSync } from 'node:fs'
import { dirname } from 'node:path'
import type * as sqlite from 'node:sqlite'
import { type DiskSpace, diskSpace } from './disk-space.ts'
import { CollectorError } from './error.ts'
import type { Logger } from './logger.ts'
import { loadSqlite, transact } from './sqlite.ts'

export interface SqliteFileOptions {
  /** What it is, as its errors name it: `persistent queue`. */
  readonly what: string
  /** Creates what is not there. */
  readonly schema: string
  /** Whether a transaction ends only when it is on the disk; else it is with the system, which survives the end of the process. */
  readonly fsync: boolean
  /** What the file may have at most, beside the log of SQLite. Undefined: no limit. */
  readonly maxBytes?: number | undefined
  readonly logger: Logger
}

interface Change {
  readonly run: () => void
  /** What the file may grow by. Bytes. */
  readonly bytes: number
}

type Work = (error?: CollectorError) => void

/** `SQLITE_CORRUPT` and `SQLITE_NOTADB`. */
const DAMAGED: readonly unknown[] = [11, 26]
const BUSY = 5
/** The log of SQLite is cut to this when it was larger. Bytes. */
const MAX_LOG_BYTES = 16 * 1024 * 1024
/** Of SQLite, by default. */
const PAGE_BYTES = 4096
/** Left of the disk for what makes no file larger: as much as the log may have, in MiB; of a small disk this share. */
const RESERVE_MIB = 16
const RESERVE_SHARE = 1 / 4
/** What is in the log alone, and will be in the file as well, is at most this share of it: else it is brought there. */
const LOG_SHARE_OF_RESERVE = 1 / 4
/** Free pages that are given back to the file system at a time. */
const MAX_FREED_PAGES = 1024

const PRAGMAS = `
  PRAGMA journal_mode = WAL;
  PRAGMA journal_size_limit = ${MAX_LOG_BYTES};
`

export class SqliteFile {
  readonly database: sqlite.DatabaseSync
  readonly #what: string
  readonly #folder: string
  /** What the next transaction does. */
  #changes: Change[] = []
  /** Who waits for each of them. */
  #waiting: Work[] = []

  /**
   * Opens the file, or makes it, and gives what `use` makes of it. One that is damaged is set aside, with an error in the log.
   *
   * @throws CollectorError `unavailable` where another process has it, or the system does not let it be opened
   */
  static open<T>(file: string, options: SqliteFileOptions, use: (file: SqliteFile) => T): T {
    const { what, logger } = options
    try {
      return SqliteFile.#open(file, options, use)
    } catch (error) {
      const code = (error as { errcode?: unknown }).errcode
      const message = (error as Error).message
      if (code === BUSY)
        throw new CollectorError('unavailable', `another process has the ${what} in ${file}`, {
          cause: error,
        })
      if (!DAMAGED.includes(code)) {
        throw new CollectorError('unavailable', `cannot open the ${what} in ${file}: ${message}`, { cause: error })
      }
      const aside = `${file}.damaged-${Date.now()}`
      renameSync(file, aside)
      logger.error({ file, aside, error: message }, `A ${what} is damaged. It was set aside; a new one is begun.`)
      return SqliteFile.#open(file, options, use)
    }
  }

  static #open<T>(file: string, options: SqliteFileOptions, use: (file: SqliteFile) => T): T {
    const opened = new SqliteFile(file, options)
    try {
      return use(opened)
    } catch (error) {
      opened.database.close()
      throw error
    }
  }

  private constructor(file: string, { what, schema, fsync, maxBytes }: SqliteFileOptions) {
    const { DatabaseSync } = loadSqlite()
    this.#what = what
    this.#folder = dirname(file)
    this.database = new DatabaseSync(file)
    try {
      // First, as without it reading takes room on the disk.
      this.database.exec('PRAGMA locking_mode = EXCLUSIVE')
      // It writes, even where it changes nothing, and a full disk must not keep what is in the file from being read.
      const isNew = this.database.prepare('PRAGMA page_count').get()?.['page_count'] === 0
      if (isNew) this.database.exec('PRAGMA auto_vacuum = INCREMENTAL')
      this.database.exec(`${PRAGMAS}${schema}; PRAGMA synchronous = ${fsync ? 'FULL' : 'NORMAL'};`)
      const logPages = Math.ceil((this.#disk().reserve * LOG_SHARE_OF_RESERVE) / PAGE_BYTES)
      this.database.exec(`PRAGMA wal_autocheckpoint = ${logPages}`)
      if (maxBytes !== undefined) this.database.exec(`PRAGMA max_page_count = ${Math.ceil(maxBytes / PAGE_BYTES)}`)
    } catch (error) {
      this.database.close()
      throw error
    }
  }

  /**
   * Resolves when the change is in the file. Rejects with `unavailable` where it cannot be written, as on a full disk.
   *
   * @param bytes what the file may grow by, of a change that adds to it
   */
  async change(run: () => void, bytes = 0): Promise<void> {
    this.#changes.push({ run, bytes })
    if (this.#changes.length === 1) setImmediate(() => this.flush())
    await new Promise<void>((resolve, reject) => this.#waiting.push((error) => (error ? reject(error) : resolve())))
  }

  /** Writes all of it at once, or nothing, and gives the error then. */
  transact(run: () => void): CollectorError | undefined {
    return this.#write([{ run, bytes: 0 }])
  }

  /** Writes what is to be written. */
  flush(): void {
    const changes = this.#changes
    const waiting = this.#waiting
    if (changes.length === 0) return
    this.#changes = []
    this.#waiting = []
    const error = this.#write(changes)
    // One that does not fit keeps none of the others out, least of all what makes room.
    const isApart = error !== undefined && changes.length > 1
    waiting.forEach((work, index) => work(isApart ? this.#write([changes[index]!]) : error))
  }

  #write(changes: readonly Change[]): CollectorError | undefined {
    const bytes = changes.reduce((sum, change) => sum + change.bytes, 0)
    try {
      const reason = bytes > 0 ? this.#whyFull(bytes) : undefined
      if (reason !== undefined) return this.#refusal(reason)
      transact(this.database, () => changes.forEach(({ run }) => run()))
      return undefined
    } catch (error) {
      return this.#refusal((error as Error).message, error)
    }
  }

  #refusal(reason: string, cause?: unknown): CollectorError {
    return new CollectorError('unavailable', `the ${this.#what} cannot be written: ${reason}`, { cause })
  }

  /** Whether so much can be added, which is written twice: into the log, and from there into the file, where pages may be free. */
  #whyFull(bytes: number): string | undefined {
    const { free, reserve } = this.#disk()
    if (free >= reserve + 2 * bytes || free >= reserve + bytes + Math.max(0, bytes - this.#freeBytes()))
      return undefined
    return `the disk of ${this.#folder} has ${free} bytes left, of which ${reserve} are kept for taking out what is in it; make room there`
  }

  #disk(): DiskSpace {
    return diskSpace(this.#folder, RESERVE_MIB, RESERVE_SHARE)
  }

  /** In the file. */
  #freeBytes(): number {
    const row = this.database.prepare('PRAGMA freelist_count').get() as { freelist_count: number }
    return row.freelist_count * PAGE_BYTES
  }

  /** Whether a transaction ends only when it is on the disk. */
  get isSynced(): boolean {
    return this.database.prepare('PRAGMA synchronous').get()?.['synchronous'] === 2
  }

  /** Gives free space back to the file system, a part of it at a time. */
  shrink(): void {
    try {
      this.database.exec(`PRAGMA incremental_vacuum(${MAX_FREED_PAGES})`)
    } catch {
      // It is tried again.
    }
  }

  /** Writes what is to be written. The second call does nothing. */
  close(): void {
    if (!this.database.isOpen) return
    this.flush()
    this.database.close()
  }
}
