/*
 * The tables. Their first columns, indexes and order are those of the OpenTelemetry Collector's clickhouse exporter (opentelemetry-collector-contrib, exporter/clickhouseexporter/internal/sqltemplates,
 * as of commit 2bf6b9e1), so that what reads that exporter's tables reads these, and the exporter can write to them. The columns that begin with `Spoor` are ours: what the
 * others lose of a span. Each has a default, so that a row that somebody else has written has something in it.
 */

export interface SchemaOptions {
  readonly database: string
  readonly table: string
  /** `ON CLUSTER` this one, replicated tables on each of its nodes and a distributed one over them. Default: tables on the one node. */
  readonly cluster?: string | undefined
  /** Days after which spans are deleted. Default: never. */
  readonly ttlDays?: number | undefined
}

/** Inserts whose token is remembered, so that one that is sent again is not stored again; a table without replicas has none by default. */
const REMEMBERED_INSERTS = 10_000

const MAP = 'Map(LowCardinality(String), String)'

const COLUMNS = [
  'Timestamp DateTime64(9) CODEC(Delta(8), ZSTD(1))',
  'TraceId String CODEC(ZSTD(1))',
  'SpanId String CODEC(ZSTD(1))',
  'ParentSpanId String CODEC(ZSTD(1))',
  'TraceState String CODEC(ZSTD(1))',
  'SpanName LowCardinality(String) CODEC(ZSTD(1))',
  'SpanKind LowCardinality(String) CODEC(ZSTD(1))',
  'ServiceName LowCardinality(String) CODEC(ZSTD(1))',
  `ResourceAttributes ${MAP} CODEC(ZSTD(1))`,
  'ScopeName String CODEC(ZSTD(1))',
  'ScopeVersion String CODEC(ZSTD(1))',
  `SpanAttributes ${MAP} CODEC(ZSTD(1))`,
  'Duration UInt64 CODEC(T64, ZSTD(1))',
  'StatusCode LowCardinality(String) CODEC(ZSTD(1))',
  'StatusMessage String CODEC(ZSTD(1))',
  `Events Nested(Timestamp DateTime64(9), Name LowCardinality(String), Attributes ${MAP}) CODEC(ZSTD(1))`,
  `Links Nested(TraceId String, SpanId String, TraceState String, Attributes ${MAP}) CODEC(ZSTD(1))`,
]

/** The one column that earlier versions did not make. */
const OTHERS = `SpoorOthers UInt8 DEFAULT SpoorSpan = '' CODEC(ZSTD(1)) COMMENT 'Whether somebody else has written the row'`
const OTHERS_INDEX = 'INDEX idx_spoor_others SpoorOthers TYPE minmax GRANULARITY 1'

/** Of which table a column of ours is a part of, and what it is, is told to whoever looks at the table. */
const OWN_COLUMNS = [
  `SpoorBatch UInt64 DEFAULT toUnixTimestamp64Micro(now64(6)) CODEC(Delta(8), ZSTD(1)) COMMENT 'When it was stored, microseconds since 1970, one number to an insert'`,
  `SpoorRow UInt32 CODEC(Delta(4), ZSTD(1)) COMMENT 'Its place in the insert'`,
  `SpoorStart UInt64 DEFAULT toUInt64(toUnixTimestamp64Nano(Timestamp)) CODEC(Delta(8), ZSTD(1)) COMMENT 'Nanoseconds since 1970, of any time'`,
  `SpoorDuration Int64 DEFAULT toInt64(Duration) CODEC(T64, ZSTD(1)) COMMENT 'Nanoseconds; negative where a clock went back'`,
  `SpoorScopeAttributes ${MAP} CODEC(ZSTD(1))`,
  `SpoorResource String CODEC(ZSTD(1)) COMMENT 'OTLP: the fields of ResourceSpans but its scope_spans'`,
  `SpoorScope String CODEC(ZSTD(1)) COMMENT 'OTLP: the fields of ScopeSpans but its spans'`,
  `SpoorSpan String CODEC(ZSTD(1)) COMMENT 'OTLP: the Span as it came'`,
  OTHERS,
]

const INDEXES = [
  'INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1',
  'INDEX idx_res_attr_key mapKeys(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1',
  'INDEX idx_res_attr_value mapValues(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1',
  'INDEX idx_span_attr_key mapKeys(SpanAttributes) TYPE bloom_filter(0.01) GRANULARITY 1',
  'INDEX idx_span_attr_value mapValues(SpanAttributes) TYPE bloom_filter(0.01) GRANULARITY 1',
  'INDEX idx_duration Duration TYPE minmax GRANULARITY 1',
  'INDEX idx_lower_span_name lower(SpanName) TYPE tokenbf_v1(32768, 3, 0) GRANULARITY 8',
  'INDEX idx_spoor_batch SpoorBatch TYPE minmax GRANULARITY 1',
  OTHERS_INDEX,
]

/** What a table of an earlier version needs. */
export function upgradeOf({ database, table }: SchemaOptions): string {
  return `ALTER TABLE \`${database}\`.\`${table}\` ADD COLUMN IF NOT EXISTS ${OTHERS}, ADD ${OTHERS_INDEX.replace('INDEX', 'INDEX IF NOT EXISTS')}`
}

/** The statements that make the tables, each of which does nothing where the table is there. */
export function schemaOf({ database, table, cluster, ttlDays }: SchemaOptions): string[] {
  const on = cluster === undefined ? '' : ` ON CLUSTER \`${cluster}\``
  const local = cluster === undefined ? table : `${table}_local`
  const localTimes = cluster === undefined ? `${table}_trace_id_ts` : `${table}_trace_id_ts_local`
  const engine = (name: string): string => (cluster === undefined ? name : `Replicated${name}`)
  const name = (of: string): string => `\`${database}\`.\`${of}\``
  const ttl = (column: string): string =>
    ttlDays === undefined ? '' : `\nTTL toDateTime(${column}) + toIntervalDay(${ttlDays})`
  const statements = [
    `CREATE DATABASE IF NOT EXISTS \`${database}\`${on}`,
    `CREATE TABLE IF NOT EXISTS ${name(local)}${on} (
${[...COLUMNS, ...OWN_COLUMNS, ...INDEXES].map((line) => `    ${line}`).join(',\n')}
) ENGINE = ${engine('MergeTree')}
PARTITION BY toDate(Timestamp)
PRIMARY KEY (ServiceName, SpanName, toDateTime(Timestamp))
ORDER BY (ServiceName, SpanName, toDateTime(Timestamp), Timestamp)${ttl('Timestamp')}
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1${
      cluster === undefined
        ? `, non_replicated_deduplication_window = ${REMEMBERED_INSERTS}`
        : `, replicated_deduplication_window = ${REMEMBERED_INSERTS}`
    }`,
    `CREATE TABLE IF NOT EXISTS ${name(localTimes)}${on} (
    TraceId String CODEC(ZSTD(1)),
    Start SimpleAggregateFunction(min, DateTime) CODEC(ZSTD(1)),
    End SimpleAggregateFunction(max, DateTime) CODEC(ZSTD(1))
) ENGINE = ${engine('AggregatingMergeTree')}
PARTITION BY toStartOfWeek(Start)
ORDER BY TraceId${ttl('Start')}
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1`,
    `CREATE MATERIALIZED VIEW IF NOT EXISTS ${name(`${table}_trace_id_ts_mv`)}${on} TO ${name(localTimes)} AS
SELECT TraceId, min(Timestamp) AS Start, max(Timestamp) AS End
FROM ${name(local)}
WHERE TraceId != ''
GROUP BY TraceId`,
  ]
  if (cluster === undefined) return statements
  const distributed = (of: string, over: string): string =>
    `CREATE TABLE IF NOT EXISTS ${name(of)}${on} AS ${name(over)}
ENGINE = Distributed(\`${cluster}\`, \`${database}\`, \`${over}\`, cityHash64(TraceId))`
  return [...statements, distributed(table, local), distributed(`${table}_trace_id_ts`, localTimes)]
}
