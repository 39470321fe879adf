import { Readable } from 'node:stream'
import type { ClickHouseClient } from '@clickhouse/client'
import { StorageError } from '../contract.ts'
import type { ClickHouseAddress } from './address.ts'
import { isBroken, storeError } from './error.ts'
import { RowReader } from './row-binary.ts'
import type { Parameters } from './sql/parameters.ts'

/** A statement, and the values of its parameters. */
export interface Statement {
  readonly sql: string
  readonly parameters: Parameters
}

export interface QueryLimits {
  /** Ends it, at the server, too. */
  readonly signal: AbortSignal
  /** Milliseconds after which the server ends it by itself. */
  readonly timeoutMs: number
  /** Hears of bytes that have come. */
  readonly onBytes: (bytes: number) => void
}

/** Of one query, bytes that the server may use for it. */
const QUERY_MEMORY = 4 * 2 ** 30
/** Rows that it may give. */
const QUERY_ROWS = 50_000_000
/** Queries at a time. */
const CONNECTIONS = 16
/** An insert that takes longer is given up, and sent again. Milliseconds. */
const INSERT_MS = 60_000

/** The one way to the server. The client is loaded when the first one is opened. */
export class Connection {
  readonly #client: ClickHouseClient

  private constructor(client: ClickHouseClient) {
    this.#client = client
  }

  static async open({ url, user, password }: ClickHouseAddress): Promise<Connection> {
    const { createClient, ClickHouseLogLevel } = await import('@clickhouse/client')
    const client = createClient({
      url,
      username: user,
      password,
      application: 'spoor',
      max_open_connections: CONNECTIONS,
      // Each call has a limit of its own.
      request_timeout: 2 ** 31 - 1,
      // What goes wrong is told once, by whoever asked.
      log: { level: ClickHouseLogLevel.OFF },
    })
    return new Connection(client)
  }

  /** The rows that a statement gives, as they come. Rejects with StorageError; it is the caller's to say why where its own signal was it. */
  async *rows<T>(
    { sql, parameters }: Statement,
    decode: (row: RowReader) => T,
    { signal, timeoutMs, onBytes }: QueryLimits,
    doing: string,
  ): AsyncGenerator<T[]> {
    const ask = (): Promise<{ readonly stream: AsyncIterable<Buffer> }> =>
      this.#client.exec({
        query: `${sql}\nFORMAT RowBinary`,
        query_params: parameters.values,
        abort_signal: signal,
        clickhouse_settings: {
          // Without it, what goes wrong on the way would stand among the rows.
          wait_end_of_query: 1,
          // Only of queries that are told to be no more than that the server looks whether somebody still waits.
          readonly: '2',
          cancel_http_readonly_queries_on_client_close: 1,
          max_execution_time: Math.max(1, Math.ceil(Math.min(timeoutMs, 2 ** 31) / 1000)),
          max_memory_usage: String(QUERY_MEMORY),
          max_result_rows: String(QUERY_ROWS),
          // Traces are distributed by their id, or in another way where others have filled the tables.
          distributed_product_mode: 'global',
          join_use_nulls: 0,
        },
      })
    const reader = new RowReader()
    try {
      const { stream } = await ask().catch((error: unknown) => {
        if (isBroken(error) && !signal.aborted) return ask()
        throw error
      })
      for await (const chunk of stream) {
        onBytes(chunk.length)
        const rows = reader.take(chunk, decode)
        if (rows.length > 0) yield rows
      }
    } catch (error) {
      throw storeError(error, doing)
    }
    if (reader.rest.length > 0) throw new StorageError('io', `${doing}: the answer ended within a row`)
  }

  /** Resolves when the server answers, whoever asks. Rejects with what keeps it from that. */
  async ping(signal: AbortSignal): Promise<void> {
    const answer = await this.#client.ping({ select: false, abort_signal: signal })
    if (!answer.success) throw answer.error
  }

  /** A statement that gives nothing. */
  async command(sql: string, signal: AbortSignal, doing: string, parameters?: Parameters): Promise<void> {
    try {
      await this.#client.command({
        query: sql,
        ...(parameters && { query_params: parameters.values }),
        abort_signal: signal,
        clickhouse_settings: { wait_end_of_query: 1 },
      })
    } catch (error) {
      throw storeError(error, doing)
    }
  }

  /**
   * Stores rows, and resolves when the server has them. What has the same `token` as an insert before, of which the answer was lost, is not stored a second time.
   */
  async insert(
    table: string,
    columns: readonly string[],
    rows: Uint8Array,
    token: string,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      const { stream } = await this.#client.exec({
        query: `INSERT INTO ${table} (${columns.map((name) => `\`${name}\``).join(', ')}) FORMAT RowBinary`,
        values: Readable.from([rows], { objectMode: false }),
        abort_signal: AbortSignal.any([signal, AbortSignal.timeout(INSERT_MS)]),
        clickhouse_settings: {
          wait_end_of_query: 1,
          async_insert: 0,
          insert_deduplicate: 1,
          insert_deduplication_token: token,
          deduplicate_blocks_in_dependent_materialized_views: 1,
          // One insert is one block, so that it is stored as a whole, or not.
          min_insert_block_size_rows: '0',
          min_insert_block_size_bytes: '0',
          // Spans may be of any time.
          max_partitions_per_insert_block: '0',
          insert_distributed_sync: 1,
        },
      })
      for await (const _ of stream as AsyncIterable<Buffer>);
    } catch (error) {
      throw storeError(error, `storing in ${table}`)
    }
  }

  async close(): Promise<void> {
    await this.#client.close()
  }
}
