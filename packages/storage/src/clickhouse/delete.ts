import { StorageError, type Filter } from '../contract.ts'
import type { DeleteSpec } from '../local/tools/delete.ts'
import { describeAddress, type ClickHouseAddress } from './address.ts'
import { Connection, type Statement } from './connection.ts'
import type { RowReader } from './row-binary.ts'
import { filterSql } from './sql/filter.ts'
import { Parameters } from './sql/parameters.ts'
import { rangeSql } from './sql/set.ts'
import { allOf, isExact } from './sql/truth.ts'
import { columnsSql, tablesOf } from './tables.ts'

const COUNT_MS = 600_000
const NO_END = new AbortController().signal

export interface ClickHouseDeleteOptions {
  /** Says how many would go, and deletes none. Default false. */
  readonly dryRun?: boolean
  /** Gives up. What ClickHouse has begun goes on there. */
  readonly signal?: AbortSignal
}

/** A table in which rows are. */
interface Place {
  readonly database: string
  readonly table: string
  readonly cluster: string | undefined
}

/**
 * Deletes spans from the tables, while others write to them and read. Resolves with how many were there when all parts that had some are written anew without them, on each replica; what
 * comes meanwhile stays. Rejects with StorageError `bad_query`, `io`, `timeout`, `cancelled`; then some may be gone.
 */
export async function deleteFromClickHouse(
  address: ClickHouseAddress,
  what: DeleteSpec,
  { dryRun = false, signal = NO_END }: ClickHouseDeleteOptions = {},
): Promise<{ readonly spans: number }> {
  const doing = `deleting from ${describeAddress(address)}`
  const connection = await Connection.open(address)
  const all = async <T>(statement: Statement, decode: (row: RowReader) => T): Promise<T[]> => {
    const limits = { signal, timeoutMs: COUNT_MS, onBytes() {} }
    const rows: T[] = []
    for await (const some of connection.rows(statement, decode, limits, doing)) rows.push(...some)
    return rows
  }
  try {
    const columns = await all(columnsSql(address), (row): [string, string] => [row.text(), row.text()])
    const tables = tablesOf(address, columns)
    if (!tables?.isOwn)
      throw new StorageError(
        'bad_query',
        `${doing}: ${tables ? 'others have made the tables: delete there, with ALTER TABLE … DELETE' : 'the table is not there'}`,
      )
    const [spans = 0] = await all(countSql(address, what), (row) => row.count())
    if (dryRun || spans === 0) return { spans }
    const engines = await all(enginesSql(address), (row): [string, string] => [row.text(), row.text()])
    const placeOf = (table: string): Place => placeIn(address.database, table, engines)
    for (const { sql, parameters } of deleteSql(address.table, what, placeOf))
      await connection.command(sql, signal, doing, parameters)
    return { spans }
  } catch (error) {
    if (signal.aborted) throw new StorageError('cancelled', `${doing} was cancelled`)
    throw error
  } finally {
    await connection.close()
  }
}

/** Throws StorageError `bad_query` for what means nothing, or cannot be said exactly. */
function conditionOf(what: DeleteSpec, parameters: Parameters): string {
  if ('traceIds' in what) {
    const wrong = what.traceIds.find((id) => !/^[0-9a-f]{32}$/i.test(id))
    if (wrong !== undefined) throw new StorageError('bad_query', `delete: "${wrong}" is not a trace id; 32 hex digits`)
    if (what.traceIds.length === 0) throw new StorageError('bad_query', 'delete: no trace id is given')
    return `TraceId IN ${parameters.add(
      'Array(String)',
      what.traceIds.map((id) => id.toLowerCase()),
    )}`
  }
  const { attribute, value, from = 0n, to = 2n ** 64n - 1n } = what
  if (from > to) throw new StorageError('bad_query', `delete: from ${from} is after to ${to}`)
  const target = { attribute }
  const filter: Filter = value === undefined ? { op: 'exists', target } : { op: 'eq', target, value }
  const truth = filterSql(filter, parameters)
  if (!isExact(truth))
    throw new StorageError(
      'bad_query',
      `delete: ${attribute} = ${value} cannot be asked exactly; give the value as text`,
    )
  return allOf([rangeSql(from, to, parameters), truth.must])
}

export function countSql({ database, table }: ClickHouseAddress, what: DeleteSpec): Statement {
  const parameters = new Parameters()
  const sql = `SELECT count() FROM \`${database}\`.\`${table}\` WHERE ${conditionOf(what, parameters)}`
  return { sql, parameters }
}

/** What the tables are: one that is distributed has its rows in others. */
function enginesSql({ database, table }: ClickHouseAddress): Statement {
  const parameters = new Parameters()
  const names = parameters.add('Array(String)', [table, `${table}_trace_id_ts`])
  const sql = `SELECT name, engine_full FROM system.tables WHERE database = ${parameters.text(database)} AND name IN ${names}`
  return { sql, parameters }
}

/** Where the rows of a table are. */
export function placeIn(database: string, table: string, engines: readonly (readonly [string, string])[]): Place {
  const engine = engines.find(([name]) => name === table)?.[1] ?? ''
  const [, cluster, own, local] = /^Distributed\('?([^',]+)'?, '?([^',]+)'?, '?([^',)]+)'?/.exec(engine) ?? []
  return { database: own ?? database, table: local ?? table, cluster }
}

/** The parts are written anew without these rows, which is over when the statement is. Where traces go, so does when they were. */
export function deleteSql(table: string, what: DeleteSpec, placeOf: (table: string) => Place): Statement[] {
  const names = 'traceIds' in what ? [table, `${table}_trace_id_ts`] : [table]
  return names.map((name) => {
    const parameters = new Parameters()
    const { database, table: own, cluster } = placeOf(name)
    const on = cluster === undefined ? '' : ` ON CLUSTER \`${cluster}\``
    const sql = `ALTER TABLE \`${database}\`.\`${own}\`${on} DELETE WHERE ${conditionOf(what, parameters)} SETTINGS mutations_sync = 2`
    return { sql, parameters }
  })
}
