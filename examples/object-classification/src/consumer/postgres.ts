/** PostgreSQL as a server. */
import { Pool } from 'pg'
import type { Connection, Row } from './database.ts'

/** Time to reach it, ms. */
const CONNECT_TIMEOUT_MS = 5000

/** Connects with the first query, and anew after it was lost. */
export function connectPostgres(url: string): Connection {
  const pool = new Pool({ connectionString: url, max: 2, connectionTimeoutMillis: CONNECT_TIMEOUT_MS })
  // Of a connection that nobody uses; whoever queries next hears of it.
  pool.on('error', () => undefined)
  const { hostname, port, pathname } = new URL(url)
  return {
    place: { 'server.address': hostname, 'server.port': Number(port || 5432), 'db.namespace': pathname.slice(1) },
    query: async (text, values = []) => (await pool.query<Row>(text, [...values])).rows,
    close: () => pool.end(),
  }
}
