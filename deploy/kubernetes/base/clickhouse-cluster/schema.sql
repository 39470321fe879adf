CREATE DATABASE IF NOT EXISTS `traces` ON CLUSTER `spoor`;

CREATE TABLE IF NOT EXISTS `traces`.`otel_traces_local` ON CLUSTER `spoor` (
    Timestamp DateTime64(9) CODEC(Delta(8), ZSTD(1)),
    TraceId String CODEC(ZSTD(1)),
    SpanId String CODEC(ZSTD(1)),
    ParentSpanId String CODEC(ZSTD(1)),
    TraceState String CODEC(ZSTD(1)),
    SpanName LowCardinality(String) CODEC(ZSTD(1)),
    SpanKind LowCardinality(String) CODEC(ZSTD(1)),
    ServiceName LowCardinality(String) CODEC(ZSTD(1)),
    ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ScopeName String CODEC(ZSTD(1)),
    ScopeVersion String CODEC(ZSTD(1)),
    SpanAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    Duration UInt64 CODEC(T64, ZSTD(1)),
    StatusCode LowCardinality(String) CODEC(ZSTD(1)),
    StatusMessage String CODEC(ZSTD(1)),
    Events Nested(Timestamp DateTime64(9), Name LowCardinality(String), Attributes Map(LowCardinality(String), String)) CODEC(ZSTD(1)),
    Links Nested(TraceId String, SpanId String, TraceState String, Attributes Map(LowCardinality(String), String)) CODEC(ZSTD(1)),
    SpoorBatch UInt64 DEFAULT toUnixTimestamp64Micro(now64(6)) CODEC(Delta(8), ZSTD(1)) COMMENT 'When it was stored, microseconds since 1970, one number to an insert',
    SpoorRow UInt32 CODEC(Delta(4), ZSTD(1)) COMMENT 'Its place in the insert',
    SpoorStart UInt64 DEFAULT toUInt64(toUnixTimestamp64Nano(Timestamp)) CODEC(Delta(8), ZSTD(1)) COMMENT 'Nanoseconds since 1970, of any time',
    SpoorDuration Int64 DEFAULT toInt64(Duration) CODEC(T64, ZSTD(1)) COMMENT 'Nanoseconds; negative where a clock went back',
    SpoorScopeAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    SpoorResource String CODEC(ZSTD(1)) COMMENT 'OTLP: the fields of ResourceSpans but its scope_spans',
    SpoorScope String CODEC(ZSTD(1)) COMMENT 'OTLP: the fields of ScopeSpans but its spans',
    SpoorSpan String CODEC(ZSTD(1)) COMMENT 'OTLP: the Span as it came',
    SpoorOthers UInt8 DEFAULT SpoorSpan = '' CODEC(ZSTD(1)) COMMENT 'Whether somebody else has written the row',
    INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX idx_res_attr_key mapKeys(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_res_attr_value mapValues(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_span_attr_key mapKeys(SpanAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_span_attr_value mapValues(SpanAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_duration Duration TYPE minmax GRANULARITY 1,
    INDEX idx_lower_span_name lower(SpanName) TYPE tokenbf_v1(32768, 3, 0) GRANULARITY 8,
    INDEX idx_spoor_batch SpoorBatch TYPE minmax GRANULARITY 1,
    INDEX idx_spoor_others SpoorOthers TYPE minmax GRANULARITY 1
) ENGINE = ReplicatedMergeTree
PARTITION BY toDate(Timestamp)
PRIMARY KEY (ServiceName, SpanName, toDateTime(Timestamp))
ORDER BY (ServiceName, SpanName, toDateTime(Timestamp), Timestamp)
TTL toDateTime(Timestamp) + toIntervalDay(14)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS `traces`.`otel_traces_trace_id_ts_local` ON CLUSTER `spoor` (
    TraceId String CODEC(ZSTD(1)),
    Start SimpleAggregateFunction(min, DateTime) CODEC(ZSTD(1)),
    End SimpleAggregateFunction(max, DateTime) CODEC(ZSTD(1))
) ENGINE = ReplicatedAggregatingMergeTree
PARTITION BY toStartOfWeek(Start)
ORDER BY TraceId
TTL toDateTime(Start) + toIntervalDay(14)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS `traces`.`otel_traces_trace_id_ts_mv` ON CLUSTER `spoor` TO `traces`.`otel_traces_trace_id_ts_local` AS
SELECT TraceId, min(Timestamp) AS Start, max(Timestamp) AS End
FROM `traces`.`otel_traces_local`
WHERE TraceId != ''
GROUP BY TraceId;

CREATE TABLE IF NOT EXISTS `traces`.`otel_traces` ON CLUSTER `spoor` AS `traces`.`otel_traces_local`
ENGINE = Distributed(`spoor`, `traces`, `otel_traces_local`, cityHash64(TraceId));

CREATE TABLE IF NOT EXISTS `traces`.`otel_traces_trace_id_ts` ON CLUSTER `spoor` AS `traces`.`otel_traces_trace_id_ts_local`
ENGINE = Distributed(`spoor`, `traces`, `otel_traces_trace_id_ts_local`, cityHash64(TraceId));
