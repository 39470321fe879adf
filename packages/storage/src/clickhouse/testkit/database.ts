import { type ClickHouseAddress, parseClickHouseUrl } from '../address.ts'
import { Connection } from '../connection.ts'

/** The engine that is asked: what `npm run clickhouse` has started, or the server that `SPOOR_CLICKHOUSE_URL` names. */
export const ENGINE = parseClickHouseUrl(
  process.env['SPOOR_CLICKHOUSE_URL'] ?? 'clickhouse://127.0.0.1:8123/spoor_test',
)

/** The same with a database of somebody's own. */
export function databaseOf(name: string): ClickHouseAddress {
  return { ...ENGINE, database: `${ENGINE.database}_${name}` }
}

/** Deletes databases, where they are. */
export async function drop(databases: Iterable<string>): Promise<void> {
  const connection = await Connection.open(ENGINE)
  const { signal } = new AbortController()
  for (const database of databases)
    await connection.command(`DROP DATABASE IF EXISTS \`${database}\``, signal, 'cleaning up')
  await connection.close()
}
