/** The database of results: PostgreSQL, or PGlite, which is PostgreSQL within this process. The same SQL for both. */
import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import type { Attributes } from '@opentelemetry/api'
import { withSpan } from '@spoor/instrument'
import type { StoredResult } from '../results/message.ts'

/** A row, by column. */
export type Row = Readonly<Record<string, unknown>>

/** A connection to one of the two. */
export interface Connection {
  /** Of the server, and of the database in it, for spans. */
  readonly place: Attributes
  query(text: string, values?: readonly unknown[]): Promise<readonly Row[]>
  close(): Promise<void>
}

/** A result, as it is to be stored. */
export interface NewRow extends StoredResult {
  /** ms since 1970. */
  readonly sentAt: number
}

const TABLE = 'classifications'

const SCHEMA = `CREATE TABLE IF NOT EXISTS ${TABLE} (
  request_id text PRIMARY KEY,
  label text NOT NULL,
  probability double precision NOT NULL,
  votes jsonb NOT NULL,
  sent_at timestamptz NOT NULL,
  stored_at timestamptz NOT NULL DEFAULT now()
)`

const COLUMNS = ['request_id', 'label', 'probability', 'votes', 'sent_at']

/** Results in a database. Each statement is a span. */
export class ResultDatabase {
  readonly #connection: Connection

  private constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Makes the table where it is not there. @throws When the database cannot be reached. */
  static async on(connection: Connection): Promise<ResultDatabase> {
    await connection.query(SCHEMA)
    return new ResultDatabase(connection)
  }

  /**
   * Stores rows with one statement, all or none. A row that is there already, as its message came a second time, stays
   * as it is.
   *
   * @throws With the database's `code`.
   */
  async insert(rows: readonly NewRow[]): Promise<void> {
    const values = rows.map(({ requestId, label, probability, votes, sentAt }) => [
      requestId,
      label,
      probability,
      JSON.stringify(votes),
      new Date(sentAt).toISOString(),
    ])
    const places = values.map(
      (row, index) => `(${row.map((_, column) => `$${index * COLUMNS.length + column + 1}`).join(', ')})`,
    )
    const text = `INSERT INTO ${TABLE} (${COLUMNS.join(', ')}) VALUES ${places.join(', ')} ON CONFLICT (request_id) DO NOTHING`
    await this.#run('INSERT', text, values.flat())
  }

  /** The rows that were stored last, the newest first. */
  async latest(limit: number): Promise<readonly Row[]> {
    const text = `SELECT ${[...COLUMNS, 'stored_at'].join(', ')} FROM ${TABLE} ORDER BY stored_at DESC LIMIT $1`
    return this.#run('SELECT', text, [limit])
  }

  close(): Promise<void> {
    return this.#connection.close()
  }

  /** A span by the semantic conventions of databases. The values are no part of it. */
  #run(operation: string, text: string, values: readonly unknown[]): Promise<readonly Row[]> {
    const summary = `${operation} ${TABLE}`
    const attributes = {
      'db.system.name': 'postgresql',
      'db.operation.name': operation,
      'db.collection.name': TABLE,
      'db.query.summary': summary,
      'db.query.text': text,
      ...this.#connection.place,
    }
    return withSpan(summary, { kind: SpanKind.CLIENT, attributes }, async (span) => {
      try {
        return await this.#connection.query(text, values)
      } catch (error) {
        const code = sqlState(error)
        if (code !== undefined) span.setAttribute('db.response.status_code', code)
        span.setAttribute('error.type', code ?? (error instanceof Error ? error.name : 'Error'))
        span.setStatus({ code: SpanStatusCode.ERROR })
        throw error
      }
    })
  }
}

/** The five characters that say what PostgreSQL objects to; undefined where it was not reached. Source: its appendix A. */
export function sqlState(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
  return /^[0-9A-Z]{5}$/.test(code) ? code : undefined
}

/** Whether it is the data that the database objects to: no repetition will change that. Classes 22 and 23. */
export function isAboutTheData(error: unknown): boolean {
  return /^2[23]/.test(sqlState(error) ?? '')
}

/** What `--database` says: `postgres://…`, or `pglite:folder`. @throws For another form, or when it cannot be opened. */
export async function openDatabase(url: string): Promise<ResultDatabase> {
  // Loaded where it is used: PGlite is large.
  if (/^postgres(ql)?:\/\//.test(url)) {
    const { connectPostgres } = await import('./postgres.ts')
    return ResultDatabase.on(connectPostgres(url))
  }
  if (url.startsWith('pglite:')) {
    const { openPglite } = await import('./pglite.ts')
    return ResultDatabase.on(await openPglite(url.slice('pglite:'.length)))
  }
  throw new Error(`--database ${url}: write postgres://user@host:port/name, or pglite: and a folder`)
}
