/**
 * Fragments of traces on the disk: what was put outlives the process.
 *
 *     fragments (number, trace, spans, root, crc32, bytes)      trace: 16 bytes; root: 1 where a span without a parent is in it
 */
import type * as sqlite from 'node:sqlite'
import { crc32 } from 'node:zlib'
import { CollectorError, SqliteFile, type Logger } from '../../component/index.ts'
import type { Fragment, SpanStore } from './fragments.ts'
import { bytesOf, wordsOf } from './trace-id.ts'

export interface TraceLogOptions {
  /** Whether a fragment is on the disk when it is put; else it is with the system, which survives the end of the process. */
  readonly fsync: boolean
  readonly logger: Logger
}

/** A fragment that was in the file when it was opened. */
export interface Found extends Omit<Fragment, 'bytes'> {
  readonly ref: number
  readonly length: number
}

interface Row {
  readonly number: number
  readonly trace: Uint8Array
  readonly spans: number
  readonly root: number
  readonly length: number
}

const WHAT = 'log of waiting traces'
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS fragments (
    number INTEGER PRIMARY KEY, trace BLOB NOT NULL, spans INTEGER NOT NULL, root INTEGER NOT NULL, crc32 INTEGER NOT NULL, bytes BLOB NOT NULL
  ) STRICT`
/** So many are taken out between two looks at the free space. */
const SHRINK_EVERY = 10_000

export class TraceLog implements SpanStore {
  readonly isPersistent = true
  readonly #file: SqliteFile
  readonly #insert: sqlite.StatementSync
  readonly #select: sqlite.StatementSync
  readonly #delete: sqlite.StatementSync
  #next: number
  #removed = 0

  /** Opens the file, or makes it; see {@link SqliteFile.open}. */
  static open(file: string, { fsync, logger }: TraceLogOptions): TraceLog {
    return SqliteFile.open(file, { what: WHAT, schema: SCHEMA, fsync, logger }, (opened) => new TraceLog(opened))
  }

  private constructor(file: SqliteFile) {
    this.#file = file
    const { database } = file
    this.#insert = database.prepare('INSERT INTO fragments VALUES (?, ?, ?, ?, ?, ?)')
    this.#select = database.prepare('SELECT crc32, bytes FROM fragments WHERE number = ?')
    this.#delete = database.prepare('DELETE FROM fragments WHERE number = ?')
    const last = database.prepare('SELECT max(number) AS number FROM fragments').get()
    this.#next = ((last?.['number'] as number | null) ?? 0) + 1
  }

  /** What is in it, the oldest first; to be read before anything is put. */
  *found(): Generator<Found> {
    const rows = this.#file.database.prepare(
      'SELECT number, trace, spans, root, length(bytes) AS length FROM fragments ORDER BY number',
    )
    for (const row of rows.iterate() as unknown as Iterable<Row>) {
      const { number: ref, length, spans, root } = row
      yield { ref, length, spans, hasRoot: root === 1, words: wordsOf(row.trace), at: 0 }
    }
  }

  async put(fragments: readonly Fragment[]): Promise<readonly number[]> {
    const first = this.#next
    this.#next += fragments.length
    // The ids are in columns of the request, which may be freed before the change is written.
    const rows = fragments.map(({ words, at, spans, hasRoot, bytes }, index) => ({
      number: first + index,
      trace: bytesOf(words, at).slice(),
      spans,
      root: hasRoot ? 1 : 0,
      bytes,
    }))
    await this.#file.change(() => {
      for (const { number, trace, spans, root, bytes } of rows)
        this.#insert.run(number, trace, spans, root, crc32(bytes), bytes)
    })
    return rows.map(({ number }) => number)
  }

  /** Throws `internal` where it is damaged. */
  read(ref: number): Uint8Array {
    let row: { readonly crc32: number; readonly bytes: Uint8Array } | undefined
    try {
      row = this.#select.get(ref) as typeof row
    } catch {
      // Told below.
    }
    if (row && crc32(row.bytes) === row.crc32) return row.bytes
    throw new CollectorError('internal', `fragment ${ref} of the ${WHAT} is damaged`)
  }

  remove(refs: readonly number[]): void {
    this.#removed += refs.length
    const isTime = this.#removed >= SHRINK_EVERY
    if (isTime) this.#removed = 0
    // What stays in the file because this fails is decided once more after the next start.
    this.#file
      .change(() => {
        for (const ref of refs) this.#delete.run(ref)
      })
      .then(
        () => isTime && this.#file.shrink(),
        () => {},
      )
  }

  close(): void {
    this.#file.close()
  }
}
