/**
 * Fragments of traces on the disk: what was put outlives the process.
 *
 *     fragments (number, trace, spans, root, crc32, bytes)      trace: 16 bytes; root: 1 where a span without a parent is in it
 *     marks (number, trace, state, note)                        what is known of traces that do not wait any more
 */
import type * as sqlite from 'node:sqlite'
import { crc32 } from 'node:zlib'
import { CollectorError, SqliteFile, type Logger } from '../../component/index.ts'
import type { Fragment, SpanStore } from './fragments.ts'
import { bytesOf, wordsOf } from './trace-id.ts'

export interface TraceLogOptions {
  /** Whether a fragment is on the disk when it is put; else it is with the system, which survives the end of the process. */
  readonly fsync: boolean
  /** What the file may have at most. Undefined: no limit. */
  readonly maxBytes?: number | undefined
  readonly logger: Logger
}

/** A fragment that was in the file when it was opened. */
export interface Found extends Omit<Fragment, 'bytes'> {
  readonly ref: number
  readonly length: number
}

/** What was known of a trace. */
export interface Mark {
  readonly number: number
  readonly words: Uint32Array
  readonly at: number
  readonly state: number
  readonly note: string | null
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
  ) STRICT;
  CREATE TABLE IF NOT EXISTS marks (number INTEGER PRIMARY KEY, trace BLOB NOT NULL, state INTEGER NOT NULL, note TEXT) STRICT`
/** So many are taken out between two looks at the free space. */
const SHRINK_EVERY = 10_000

/** A store whose content is there after the end of the process. */
export interface PersistentStore extends SpanStore {
  /** What was in it when it was opened, the oldest first; to be read before anything is put. */
  found(): Iterable<Found>
  /** What is known of traces, the oldest first; to be read before the others. */
  marks(): Iterable<Mark>
  /** Remembers what is known of a trace; nobody waits for it. Gives a number for {@link unmark}, 1 or more, or 0 where it is not remembered. */
  mark(words: Uint32Array, at: number, state: number, note: string | null): number
  unmark(number: number): void
}

export class TraceLog implements PersistentStore {
  readonly isPersistent = true
  readonly #file: SqliteFile
  readonly #insert: sqlite.StatementSync
  readonly #select: sqlite.StatementSync
  readonly #delete: sqlite.StatementSync
  readonly #insertMark: sqlite.StatementSync
  readonly #deleteMark: sqlite.StatementSync
  #next: number
  #nextMark: number
  #removed = 0

  /** Opens the file, or makes it; see {@link SqliteFile.open}. */
  static open(file: string, options: TraceLogOptions): TraceLog {
    return SqliteFile.open(file, { what: WHAT, schema: SCHEMA, ...options }, (opened) => new TraceLog(opened))
  }

  private constructor(file: SqliteFile) {
    this.#file = file
    const { database } = file
    this.#insert = database.prepare('INSERT INTO fragments VALUES (?, ?, ?, ?, ?, ?)')
    this.#select = database.prepare('SELECT crc32, bytes FROM fragments WHERE number = ?')
    this.#delete = database.prepare('DELETE FROM fragments WHERE number = ?')
    this.#insertMark = database.prepare('INSERT INTO marks VALUES (?, ?, ?, ?)')
    this.#deleteMark = database.prepare('DELETE FROM marks WHERE number = ?')
    const after = (table: string): number =>
      ((database.prepare(`SELECT max(number) AS number FROM ${table}`).get()?.['number'] as number | null) ?? 0) + 1
    this.#next = after('fragments')
    this.#nextMark = after('marks')
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

  /** What is known of traces, the oldest first. */
  *marks(): Generator<Mark> {
    const rows = this.#file.database.prepare('SELECT number, trace, state, note FROM marks ORDER BY number')
    for (const row of rows.iterate() as unknown as Iterable<Omit<Mark, 'words' | 'at'> & { trace: Uint8Array }>)
      yield { number: row.number, words: wordsOf(row.trace), at: 0, state: row.state, note: row.note }
  }

  /** Remembers what is known of a trace, from the next transaction on; nobody waits for it. Gives a number, 1 or more. */
  mark(words: Uint32Array, at: number, state: number, note: string | null): number {
    const number = this.#nextMark++
    const trace = bytesOf(words, at).slice()
    this.#later(() => this.#insertMark.run(number, trace, state, note))
    return number
  }

  unmark(number: number): void {
    this.#later(() => this.#deleteMark.run(number))
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
    const insert = (): void => {
      for (const { number, trace, spans, root, bytes } of rows)
        this.#insert.run(number, trace, spans, root, crc32(bytes), bytes)
    }
    await this.#file.change(
      insert,
      rows.reduce((sum, { bytes }) => sum + bytes.length, 0),
    )
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
    this.#later(() => {
      for (const ref of refs) this.#delete.run(ref)
    })
    if (isTime) this.#file.shrink()
  }

  /** With the next transaction. What is not changed because that fails is found after the next start as it was. */
  #later(change: () => void): void {
    this.#file.change(change).catch(() => {})
  }

  close(): void {
    this.#file.close()
  }
}
