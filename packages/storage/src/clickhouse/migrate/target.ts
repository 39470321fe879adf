import { StorageError } from '../../contract.ts'
import type { ClickHouseAddress } from '../address.ts'
import type { Connection, QueryLimits, Statement } from '../connection.ts'
import type { RowReader } from '../row-binary.ts'
import { schemaOf } from '../schema.ts'
import { Parameters } from '../sql/parameters.ts'
import { columnsSql, tablesOf, type Tables } from '../tables.ts'
import { DIGEST_SQL, HOUR_SQL, type HourSum, startOfHour } from './span-digests.ts'

/** What is asked may have to read all that is stored. Milliseconds. */
const QUERY_MS = 6 * 3_600_000
/** How long inserts of an earlier try that are still under way are waited for, and how often it is looked. Milliseconds. */
const SETTLE_MS = 120_000
const SETTLE_EVERY_MS = 500
/** Hours from here on are beyond the times of the table's own. */
const LAST_HOUR = Math.floor(4_294_967_290 / 3600)
/** Numbers of inserts below this one are of spans that were brought from elsewhere: no clock tells such a time, and a tail does not take them for new. 2^49. */
const BROUGHT = 562_949_953_421_312n

/** The store that spans are brought to, as what is compared. */
export class Target {
  readonly spans: string
  readonly #connection: Connection
  readonly #limits: QueryLimits

  private constructor(connection: Connection, spans: string, signal: AbortSignal) {
    this.#connection = connection
    this.spans = spans
    this.#limits = { signal, timeoutMs: QUERY_MS, onBytes() {} }
  }

  /** Makes the tables where they are not there and `create` is true; where it is false, undefined. Rejects with StorageError, also for tables that have no room for the spans. */
  static async open(
    connection: Connection,
    address: ClickHouseAddress,
    create: boolean,
    signal: AbortSignal,
  ): Promise<Target | undefined> {
    const limits = { signal, timeoutMs: QUERY_MS, onBytes() {} }
    const find = async (): Promise<Tables | undefined> => {
      const columns: [string, string][] = []
      const decode = (row: RowReader): [string, string] => [row.text(), row.text()]
      for await (const rows of connection.rows(columnsSql(address), decode, limits, 'looking for the tables'))
        columns.push(...rows)
      return tablesOf(address, columns)
    }
    let tables = await find()
    if (!tables && create) {
      for (const statement of schemaOf(address)) await connection.command(statement, signal, 'making the tables')
      tables = await find()
    }
    if (!tables) return undefined
    if (!tables.isOwn)
      throw new StorageError(
        'read_only',
        'the tables were made by others and have no room for what Spoor stores: name another database, or another table with ?table=NAME',
      )
    return new Target(connection, tables.spans, signal)
  }

  /** Resolves when no insert that began before is under way: one whose sender was killed goes on at the server. */
  async settled(): Promise<void> {
    const began = performance.now()
    for (;;) {
      const elapsedS = (performance.now() - began) / 1000
      const parameters = new Parameters()
      const sql = `SELECT count() FROM system.processes WHERE query_kind = 'Insert' AND elapsed > ${parameters.add('Float64', elapsedS)} AND position(query, ${parameters.text(this.spans)}) > 0`
      const [running] = await this.#all({ sql, parameters }, (row) => row.count(), 'looking for inserts under way')
      if (!running) return
      if (elapsedS * 1000 > SETTLE_MS)
        throw new StorageError('io', `inserts into ${this.spans} do not end; try again when they have`)
      await new Promise((resolve) => setTimeout(resolve, SETTLE_EVERY_MS))
    }
  }

  /** The number of the next insert. */
  async nextBatch(): Promise<number> {
    const parameters = new Parameters()
    const sql = `SELECT max(SpoorBatch) FROM ${this.spans} WHERE SpoorBatch < ${parameters.uint64(BROUGHT)}`
    const [last = 0] = await this.#all({ sql, parameters }, (row) => row.count(), 'looking for what was brought before')
    return last + 1
  }

  async sums(first: number, last: number): Promise<Map<number, HourSum>> {
    const parameters = new Parameters()
    const sql = `SELECT ${HOUR_SQL} AS hour, count(), sum(${DIGEST_SQL}) FROM ${this.spans} WHERE ${between(parameters, first, last)} GROUP BY hour`
    const decode = (row: RowReader): [number, HourSum] => [row.count(), { count: row.count(), ...words(row.raw(8)) }]
    return new Map(await this.#all({ sql, parameters }, decode, 'adding up what is stored'))
  }

  /** Digests of the spans of hours; of those whose upper half leaves `part` when it is divided by `parts`. */
  async digests(
    hours: readonly number[],
    { part, parts }: { readonly part: number; readonly parts: number },
    take: (lo: number, hi: number) => void,
  ): Promise<void> {
    const parameters = new Parameters()
    const range = between(parameters, Math.min(...hours), Math.max(...hours))
    const chosen = `has(${parameters.add('Array(String)', hours.map(String))}, toString(${HOUR_SQL}))`
    const share = parts === 1 ? '' : ` AND modulo(bitShiftRight(digest, 32), ${parts}) = ${part}`
    const sql = `SELECT ${DIGEST_SQL} AS digest FROM ${this.spans} WHERE ${range} AND ${chosen}${share}`
    const decode = (row: RowReader): void => {
      const { lo, hi } = words(row.raw(8))
      take(lo, hi)
    }
    await this.#all({ sql, parameters }, decode, 'reading what is stored')
  }

  async #all<T>(statement: Statement, decode: (row: RowReader) => T, doing: string): Promise<T[]> {
    const all: T[] = []
    for await (const rows of this.#connection.rows(statement, decode, this.#limits, doing))
      for (const row of rows) if (row !== undefined) all.push(row)
    return all
  }
}

function between(parameters: Parameters, first: number, last: number): string {
  const [from, to] = [startOfHour(first), startOfHour(last + 1)]
  const own = `SpoorStart >= ${parameters.uint64(from)} AND SpoorStart < ${parameters.uint64(to)}`
  // By the time that the partitions go by, where that has it.
  if (last >= LAST_HOUR) return own
  const time = (at: bigint): string => `fromUnixTimestamp64Nano(${parameters.add('Int64', String(at))})`
  return `${own} AND Timestamp >= ${time(from)} AND Timestamp < ${time(to)}`
}

function words(bytes: Buffer): { lo: number; hi: number } {
  return { lo: bytes.readUInt32LE(0), hi: bytes.readUInt32LE(4) }
}
