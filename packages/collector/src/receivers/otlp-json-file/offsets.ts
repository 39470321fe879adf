/** How far files were read, over the end of the process. A file is known again by its beginning, whatever its name and inode. */
import type * as sqlite from 'node:sqlite'
import { CollectorError, loadSqlite, transact } from '../../component/index.ts'
import type { Position, TrackedFile } from './tracked-file.ts'

/** Files that are remembered, those that were read last. */
const MAX_FILES = 10_000

export class Offsets {
  readonly #database: sqlite.DatabaseSync

  /** @throws CollectorError `unavailable` where the file cannot be opened, or another process has it */
  constructor(file: string, isSynced: boolean) {
    try {
      const { DatabaseSync } = loadSqlite()
      this.#database = new DatabaseSync(file)
      this.#database.exec(`
        PRAGMA locking_mode = EXCLUSIVE;
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = ${isSynced ? 'FULL' : 'NORMAL'};
        CREATE TABLE IF NOT EXISTS offsets (head BLOB PRIMARY KEY, path TEXT, offset INTEGER, line INTEGER, at INTEGER) STRICT;
      `)
    } catch (error) {
      const message = `cannot open the offsets in ${file}: ${(error as Error).message}`
      throw new CollectorError('unavailable', message, { cause: error })
    }
  }

  /** Of a file that begins as this one does: the longest beginning that is known. */
  find({ head }: TrackedFile): Position | undefined {
    const known = this.#database.prepare(
      'SELECT offset, line FROM offsets WHERE head = substr(?, 1, length(head)) ORDER BY length(head) DESC LIMIT 1',
    )
    return known.get(head) as unknown as Position | undefined
  }

  /** Throws where it cannot be written, as on a full disk. */
  save({ head, path, position }: TrackedFile): void {
    if (head.length === 0) return
    const { offset, line } = position
    const database = this.#database
    transact(database, () => {
      // A file that has grown is the same one.
      database.prepare('DELETE FROM offsets WHERE path = ? AND head = substr(?, 1, length(head))').run(path, head)
      database
        .prepare('INSERT OR REPLACE INTO offsets VALUES (?, ?, ?, ?, ?)')
        .run(head, path, offset, line, Date.now())
      database
        .prepare('DELETE FROM offsets WHERE head IN (SELECT head FROM offsets ORDER BY at DESC LIMIT -1 OFFSET ?)')
        .run(MAX_FILES)
    })
  }

  close(): void {
    this.#database.close()
  }
}
