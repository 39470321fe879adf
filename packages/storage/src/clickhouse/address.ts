import { StorageError } from '../contract.ts'

/** Where a ClickHouse is, and which tables of it are the store. */
export interface ClickHouseAddress {
  /** `http://host:port`, or `https:`. */
  readonly url: string
  readonly user: string
  readonly password: string
  readonly database: string
  /** The spans' table; those that belong to it have its name and more. */
  readonly table: string
}

const KNOWN = ['table']
/** ClickHouse's own protocol, plain and over TLS, which is not what is spoken here. */
const NATIVE_PORTS = ['9000', '9440']

/** Whether a store is named that is a ClickHouse. */
export function isClickHouseUrl(text: string): boolean {
  return /^clickhouses?:/.test(text)
}

/**
 * Reads `clickhouse://user:password@host:8123/database`, `clickhouses://` for TLS; everything but the host may be left out: user and database are `default`, the port
 * 8123, or 8443 over TLS. A password that is not in it is `$SPOOR_CLICKHOUSE_PASSWORD`. `?table=` names another table than `otel_traces`. Throws StorageError
 * `bad_query`, in words.
 */
export function parseClickHouseUrl(text: string, env: NodeJS.ProcessEnv = process.env): ClickHouseAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !isClickHouseUrl(text) || url.hostname === '')
    throw wrong(`"${withoutPassword(text)}" is no address of a ClickHouse`)
  const isTls = url.protocol === 'clickhouses:'
  if (NATIVE_PORTS.includes(url.port))
    throw wrong(
      `port ${url.port} is that of ClickHouse's native protocol, and Spoor speaks HTTP: 8123, or 8443 over TLS`,
    )
  const path = url.pathname.replace(/^\//, '')
  const unknown = [...url.searchParams.keys()].find((key) => !KNOWN.includes(key))
  if (unknown !== undefined) throw wrong(`"${unknown}" is not known in the address; known is ${KNOWN.join(', ')}`)
  return {
    url: `${isTls ? 'https' : 'http'}://${url.hostname}:${url.port || (isTls ? '8443' : '8123')}`,
    user: decodeURIComponent(url.username) || 'default',
    password: decodeURIComponent(url.password) || (env['SPOOR_CLICKHOUSE_PASSWORD'] ?? ''),
    database: nameOf('the database', path || 'default'),
    table: nameOf('the table', url.searchParams.get('table') ?? 'otel_traces'),
  }
}

/** The address without what is secret, as people are told it. */
export function describeAddress({ url, database, table }: ClickHouseAddress): string {
  return `ClickHouse at ${url}, ${database}.${table}`
}

/** Names stand in statements as they are. */
function nameOf(what: string, name: string): string {
  if (!/^[A-Za-z_]\w{0,99}$/.test(name))
    throw wrong(`${what} "${name}": letters, digits and underscores are taken, and no digit first`)
  return name
}

function withoutPassword(text: string): string {
  return text.replace(/(:\/\/[^:@/]*):[^@/]*@/, '$1:***@')
}

function wrong(message: string): StorageError {
  return new StorageError('bad_query', `${message}; as in clickhouse://user:password@host:8123/database`)
}
