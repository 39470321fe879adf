import { createHash } from 'node:crypto'
import { afterEach } from 'vitest'
import { traceStoreConformance } from '../../conformance/index.ts'
import { parseClickHouseUrl } from '../address.ts'
import { openClickHouseStore } from '../clickhouse-store.ts'
import { Connection } from '../connection.ts'

const address = parseClickHouseUrl(process.env['SPOOR_CLICKHOUSE_URL'] ?? 'clickhouse://127.0.0.1:8123/spoor_test')
const made = new Set<string>()

/** Each directory is a database of its own. */
function databaseOf(directory: string): string {
  return `${address.database}_${createHash('sha256').update(directory).digest('hex').slice(0, 12)}`
}

/** The engine is one for all, and asked a thousand times by some tests. */
const TIMEOUT_MS = 600_000

traceStoreConformance(
  'ClickHouse',
  async (directory) => {
    const database = databaseOf(directory)
    made.add(database)
    return openClickHouseStore({ address: { ...address, database } })
  },
  TIMEOUT_MS,
)

afterEach(async () => {
  const connection = await Connection.open(address)
  const { signal } = new AbortController()
  for (const database of made)
    await connection.command(`DROP DATABASE IF EXISTS \`${database}\``, signal, 'cleaning up')
  await connection.close()
  made.clear()
})
