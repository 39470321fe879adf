import { createHash } from 'node:crypto'
import { afterEach } from 'vitest'
import { traceStoreConformance } from '../../conformance/index.ts'
import { openClickHouseStore } from '../clickhouse-store.ts'
import { databaseOf, drop } from './database.ts'

const made = new Set<string>()

/** The engine is one for all, and asked a thousand times by some tests. */
const TIMEOUT_MS = 600_000

traceStoreConformance(
  'ClickHouse',
  async (directory) => {
    // Each is a database of its own.
    const address = databaseOf(createHash('sha256').update(directory).digest('hex').slice(0, 12))
    made.add(address.database)
    return openClickHouseStore({ address })
  },
  TIMEOUT_MS,
)

afterEach(async () => {
  await drop(made)
  made.clear()
})
