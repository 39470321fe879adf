import type { TelemetryBatch } from '@spoor/otlp'
import { UNKNOWN_SERVICE } from '@spoor/trace'
import {
  ORDERS,
  StorageError,
  type AggregateQuery,
  type Aggregates,
  type Bottleneck,
  type BottleneckQuery,
  type CallOptions,
  type Capabilities,
  type CompareQuery,
  type Dependencies,
  type DependenciesOptions,
  type Differences,
  type ErrorGroups,
  type ErrorGroupsQuery,
  type Flame,
  type FlameQuery,
  type HeatMap,
  type HeatMapQuery,
  type Level,
  type OnPartial,
  type Operation,
  type Pin,
  type SearchEvent,
  type SearchQuery,
  type StoreStats,
  type TailEvent,
  type TailQuery,
  type TraceStore,
} from '../contract.ts'
import { createHealth, type StoreEvent, type StoreHealth } from '../events.ts'
import { LEVELS } from '../local/read/filter/compile.ts'
import { QUERY_BYTES, QueryMemory } from '../local/read/query-memory.ts'
import { EventQueue } from '../local/threads/event-queue.ts'
import { describeAddress, type ClickHouseAddress } from './address.ts'
import { Connection, type Statement } from './connection.ts'
import { Query } from './query.ts'
import { count, type Answer, type Asked, type Tell } from './read/aggregates.ts'
import { dependencies } from './read/dependencies.ts'
import { piecesOf } from './read/fetch.ts'
import { look } from './read/look.ts'
import { search } from './read/search.ts'
import { tail } from './read/tail.ts'
import type { RowReader } from './row-binary.ts'
import { schemaOf, upgradeOf } from './schema.ts'
import { columnsSql, othersSql, tablesOf, withOthers, type Tables } from './tables.ts'
import { boundsSql, keysSql, operationsSql, partsSql, servicesSql, valuesSql } from './sql/catalogue.ts'
import { traceSql } from './sql/spans.ts'
import { KIND_NAMES, WRITTEN_COLUMNS } from './write/columns.ts'
import { watchServer } from './watch.ts'
import { Inserter } from './write/inserter.ts'

/** How to open a ClickHouse as a store. */
export interface ClickHouseStoreOptions {
  readonly address: ClickHouseAddress
  /** Makes the database and the tables where they are not there. Default true. */
  readonly create?: boolean
  /** Appends are refused, and nothing is made. Default false. */
  readonly readOnly?: boolean
  /** Hears what the store tells of itself. */
  readonly onEvent?: (event: StoreEvent) => void
  /** Gives the opening up. */
  readonly signal?: AbortSignal
  /** How often the server is asked whether it is there, in milliseconds. Default: every 5 s, and each second while it is not. */
  readonly watchMs?: number
}

const CAPABILITIES: Capabilities = {
  bytes: 'own',
  structure: true,
  orders: ORDERS,
  totals: 'exact',
  deletion: ['retention', 'traces'],
  pins: false,
  aggregates: true,
  compare: true,
  errorGroups: true,
  tail: true,
}
const OPEN_MS = 30_000
const CLOSE_DEADLINE_MS = 10_000
const KINDS: readonly string[] = KIND_NAMES
const OTHER_KIND = 255
/** For how long it is thought that nobody else has written to the tables. */
const ALONE_MS = 1_000
/** One look of a tail. */
const LOOK_MS = 5_000

/**
 * Opens a store in a ClickHouse. Rejects with StorageError `io` where it is not there, or does not let the user in or do what is needed, in words that say what to do;
 * `cancelled` when `signal` ends it before.
 */
export async function openClickHouseStore(options: ClickHouseStoreOptions): Promise<TraceStore> {
  const { address, create = true, readOnly = false, signal } = options
  const what = describeAddress(address)
  const connection = await Connection.open(address)
  try {
    const limit = AbortSignal.timeout(OPEN_MS)
    const ends = signal ? AbortSignal.any([signal, limit]) : limit
    const doing = `opening ${what}`
    const find = async (): Promise<Tables | undefined> => {
      const limits = { signal: ends, timeoutMs: OPEN_MS, onBytes() {} }
      const columns: [string, string][] = []
      const decode = (row: RowReader): [string, string] => [row.text(), row.text()]
      for await (const rows of connection.rows(columnsSql(address), decode, limits, doing)) columns.push(...rows)
      return tablesOf(address, columns)
    }
    let tables = await find()
    if (create && !readOnly && (!tables || tables.isOwn)) {
      for (const statement of schemaOf(address)) await connection.command(statement, ends, doing)
      // Who may not change the table does without.
      if (tables && !tables.tellsOthers) await connection.command(upgradeOf(address), ends, doing).catch(() => {})
      tables = await find()
    }
    if (!tables)
      throw new StorageError('io', `${doing}: the table is not there; make it as "spoor clickhouse schema" says`)
    const store = new ClickHouseStore(connection, tables, options)
    await store.open()
    return store
  } catch (error) {
    await connection.close()
    if (signal?.aborted) throw new StorageError('cancelled', `opening ${what} was cancelled`)
    throw error
  }
}

class ClickHouseStore implements TraceStore {
  readonly capabilities: Capabilities
  /** It goes on however long the server is away. */
  readonly failed = new Promise<StorageError>(() => {})
  readonly #connection: Connection
  readonly #address: ClickHouseAddress
  readonly #readOnly: boolean
  readonly #onEvent: (event: StoreEvent) => void
  readonly #health = createHealth()
  readonly #memory = new QueryMemory(QUERY_BYTES)
  readonly #queries = new Set<Query>()
  readonly #inserter: Inserter
  #tables: Tables
  /** When rows of others were looked for last, see {@link Tables.tellsOthers}. Monotonic milliseconds. */
  #lookedMs = -Infinity
  #hasOthers = false
  readonly #watchMs: number | undefined
  #closing: Promise<void> | undefined
  #unwatch = (): void => {}

  constructor(
    connection: Connection,
    tables: Tables,
    { address, readOnly = false, onEvent = () => {}, watchMs }: ClickHouseStoreOptions,
  ) {
    const { spans, isOwn } = tables
    this.capabilities = isOwn ? CAPABILITIES : { ...CAPABILITIES, bytes: 'rebuilt', tail: false }
    this.#tables = tables
    this.#connection = connection
    this.#address = address
    this.#readOnly = readOnly
    this.#onEvent = onEvent
    this.#watchMs = watchMs
    this.#inserter = new Inserter(
      (rows, token, signal) => connection.insert(spans, WRITTEN_COLUMNS, rows, token, signal),
      (event) => this.#tell(event),
    )
  }

  /** Resolves when it can be used. */
  async open(): Promise<void> {
    const beganMs = performance.now()
    const { spans, segments } = await this.stats({ timeoutMs: OPEN_MS })
    const elapsedMs = Math.round(performance.now() - beganMs)
    const directory = describeAddress(this.#address)
    this.#tell({ code: 'opened', directory, spans, segments, elapsedMs, readOnly: this.#readOnly })
    this.#unwatch = watchServer({
      ping: (signal) => this.#connection.ping(signal),
      tell: (event) => this.#tell(event),
      ...(this.#watchMs !== undefined && { everyMs: this.#watchMs, awayEveryMs: this.#watchMs }),
    })
  }

  async append(batch: TelemetryBatch): Promise<void> {
    if (this.#readOnly)
      throw new StorageError(
        'read_only',
        `${describeAddress(this.#address)} is open to be read only; nothing is stored`,
      )
    if (!this.#tables.isOwn)
      throw new StorageError(
        'read_only',
        `the tables of ${describeAddress(this.#address)} were made by others and have no room for what Spoor stores: open them with --read-only, or name another database`,
      )
    return this.#inserter.append(batch)
  }

  async *trace(id: string, options?: CallOptions): AsyncIterable<Uint8Array> {
    const traceId = id.toLowerCase()
    if (!/^[0-9a-f]{32}$/.test(traceId)) return
    const query = this.#begin(options)
    try {
      query.throwIfOver()
      const tables = await this.#tablesFor(query)
      for await (const piece of piecesOf(query, traceSql(tables, traceId), 'reading a trace')) {
        query.pause()
        yield piece
        query.resume()
        query.throwIfOver()
      }
      query.throwIfOver()
    } finally {
      this.#end(query)
    }
  }

  async *search(asked: SearchQuery): AsyncIterable<SearchEvent> {
    const query = this.#begin(asked)
    const events = new EventQueue<SearchEvent>((event) => event.type === 'progress')
    const end = this.#tablesFor(query).then((tables) => search(query, tables, asked, (event) => events.push(event)))
    try {
      yield* events.until(end)
      yield { type: 'end', ...(await end) }
    } finally {
      query.cancel()
      await end.catch(() => {})
      this.#end(query)
    }
  }

  async services(options?: CallOptions): Promise<string[]> {
    const names = await this.#list(
      (table) => servicesSql(table),
      (row) => row.text(),
      options,
      'listing services',
    )
    // Others leave it empty.
    return [...new Set(names.map((name) => name || UNKNOWN_SERVICE))].sort()
  }

  async operations(service: string | undefined, kind?: number, options?: CallOptions): Promise<Operation[]> {
    const toOperation = (row: RowReader): Operation => ({ name: row.text(), kind: kindOf(row.text()) })
    const all = await this.#list((table) => operationsSql(table, service), toOperation, options, 'listing operations')
    return all
      .filter((each) => kind === undefined || each.kind === kind)
      .sort((a, b) => (a.name === b.name ? a.kind - b.kind : a.name < b.name ? -1 : 1))
  }

  async attributeKeys(limit = 200, options?: CallOptions & { readonly level?: Level }): Promise<string[]> {
    const { level = 'any' } = options ?? {}
    checkLimit(limit)
    if (!LEVELS.has(level)) throw new StorageError('bad_query', `level is ${level}; one of ${[...LEVELS].join(', ')}`)
    return this.#list(
      (table) => keysSql(table, level, limit),
      (row) => row.text(),
      options,
      'listing attribute keys',
    )
  }

  async attributeValues(key: string, limit = 100, options?: CallOptions): Promise<string[]> {
    checkLimit(limit)
    return this.#list(
      (table) => valuesSql(table, key, limit),
      (row) => row.text(),
      options,
      'listing attribute values',
    )
  }

  async dependencies(from: bigint, to: bigint, options?: DependenciesOptions): Promise<Dependencies> {
    const query = this.#begin(options)
    try {
      const { spans } = await this.#tablesFor(query)
      return await dependencies(query, spans, from, to, options?.links ?? true)
    } finally {
      this.#end(query)
    }
  }

  aggregate(query: AggregateQuery, onPartial?: OnPartial<Aggregates>): Promise<Aggregates> {
    return this.#count('aggregate', query, onPartial)
  }

  heatMap(query: HeatMapQuery, onPartial?: OnPartial<HeatMap>): Promise<HeatMap> {
    return this.#count('heatMap', query, onPartial)
  }

  errorGroups(query: ErrorGroupsQuery, onPartial?: OnPartial<ErrorGroups>): Promise<ErrorGroups> {
    return this.#count('errorGroups', query, onPartial)
  }

  bottleneck(query: BottleneckQuery, onPartial?: OnPartial<Bottleneck>): Promise<Bottleneck> {
    return this.#count('bottleneck', query, onPartial)
  }

  flame(query: FlameQuery, onPartial?: OnPartial<Flame>): Promise<Flame> {
    return this.#count('flame', query, onPartial)
  }

  compare(query: CompareQuery, onPartial?: OnPartial<Differences>): Promise<Differences> {
    return this.#count('compare', query, onPartial)
  }

  async *tail(asked: TailQuery): AsyncIterable<TailEvent> {
    if (!this.capabilities.tail)
      throw new StorageError('bad_query', 'what comes cannot be told: these tables do not say when a span was stored')
    yield* tail(asked, async ({ signal, maxBytes, ...rest }, before) => {
      const limits = { timeoutMs: LOOK_MS, ...(signal && { signal }), ...(maxBytes !== undefined && { maxBytes }) }
      const query = this.#begin(limits)
      return this.#tablesFor(query)
        .then((tables) => look(query, tables, rest, before))
        .finally(() => this.#end(query))
    })
  }

  async pin(traceId: string): Promise<Pin> {
    this.#checkOpen()
    throw new StorageError(
      'bad_query',
      `trace ${traceId} cannot be pinned: ClickHouse keeps spans as its tables' TTL says`,
    )
  }

  async unpin(_traceId: string): Promise<boolean> {
    this.#checkOpen()
    return false
  }

  async pins(): Promise<Pin[]> {
    this.#checkOpen()
    return []
  }

  async stats(options?: CallOptions): Promise<StoreStats> {
    const { database, table } = this.#address
    const tables = [table, `${table}_trace_id_ts`].flatMap((name) => [name, `${name}_local`])
    const query = this.#begin(options)
    try {
      const [bounds] = await query.all(
        boundsSql(this.#tables.spans),
        (row) => ({ spans: row.count(), oldest: row.uint64(), newest: row.uint64() }),
        'asking for what there is',
      )
      const [parts] = await query.all(
        partsSql(database, tables),
        (row) => ({ diskBytes: row.count(), blocks: row.count(), segments: row.count() }),
        'asking for what there is on disk',
      )
      query.throwIfOver()
      const { spans = 0, oldest, newest } = bounds ?? {}
      return {
        spans,
        oldest: spans > 0 ? oldest : undefined,
        newest: spans > 0 ? newest : undefined,
        ...(parts ?? { diskBytes: 0, blocks: 0, segments: 0 }),
        appended: this.#inserter.appended,
        recovered: { blocks: 0, tornBytes: 0 },
      }
    } finally {
      this.#end(query)
    }
  }

  health(): StoreHealth {
    return this.#health.health()
  }

  close(deadlineMs = CLOSE_DEADLINE_MS): Promise<void> {
    return (this.#closing ??= this.#close(deadlineMs))
  }

  async #close(deadlineMs: number): Promise<void> {
    this.#unwatch()
    const closed = this.#closed()
    try {
      await this.#inserter.close(closed, deadlineMs)
    } finally {
      for (const query of this.#queries) query.fail(closed)
      await this.#connection.close()
    }
  }

  #begin(options: CallOptions | undefined): Query {
    this.#checkOpen()
    const query = new Query(this.#connection, this.#memory, options)
    this.#queries.add(query)
    return query
  }

  /** As they are to be asked now. */
  async #tablesFor(query: Query): Promise<Tables> {
    const now = performance.now()
    if (!this.#tables.isOwn || !this.#tables.tellsOthers || this.#hasOthers || now - this.#lookedMs < ALONE_MS)
      return this.#tables
    const found = await query.all(othersSql(this.#tables), (row) => row.uint8(), 'looking for rows of others')
    if (!query.isOver) this.#lookedMs = now
    if (found.length > 0 && !this.#hasOthers) {
      this.#hasOthers = true
      this.#tables = withOthers(this.#tables)
    }
    return this.#tables
  }

  #end(query: Query): void {
    query.end()
    this.#queries.delete(query)
  }

  async #list<T>(
    statementOf: (table: string) => Statement,
    decode: (row: RowReader) => T,
    options: CallOptions | undefined,
    doing: string,
  ): Promise<T[]> {
    const query = this.#begin(options)
    try {
      const { spans } = await this.#tablesFor(query)
      const all = await query.all(statementOf(spans), decode, doing)
      query.throwIfOver()
      return all
    } finally {
      this.#end(query)
    }
  }

  async #count<M extends Parameters<typeof count>[2]>(method: M, asked: Asked<M>, tell: Tell<M>): Promise<Answer<M>> {
    const query = this.#begin(asked)
    try {
      return await count(query, await this.#tablesFor(query), method, asked, tell)
    } finally {
      this.#end(query)
    }
  }

  #checkOpen(): void {
    if (this.#closing) throw this.#closed()
  }

  #closed(): StorageError {
    return new StorageError('closed', `the store in ${describeAddress(this.#address)} is closed`)
  }

  #tell(event: StoreEvent): void {
    this.#health.add(event, Date.now())
    try {
      this.#onEvent(event)
    } catch {
      // Who listens has no say in whether the store goes on.
    }
  }
}

function kindOf(name: string): number {
  const kind = KINDS.indexOf(name)
  return kind < 0 ? OTHER_KIND : kind
}

function checkLimit(limit: number): void {
  if (!Number.isInteger(limit) || limit < 1)
    throw new StorageError('bad_query', `limit is ${limit}; a whole number from 1`)
}
