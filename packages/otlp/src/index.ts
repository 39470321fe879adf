/**
 * OTLP on the wire. Hot paths work on bytes: count, scan, splice and join never make an object for a span; decode and
 * encode are for the few spans that somebody reads or builds. No dependencies; runs in Node and the browser.
 */
export { AttributeEdits } from './attribute-edits.ts'
export type { AttributeStep } from './attribute-edits.ts'
export { AttributeFinder, rangeOf } from './attribute-finder.ts'
export { base64ToBytes, bytesToBase64 } from './base64.ts'
export { createBatch, joinBatches } from './batch.ts'
export type { Chunk, Coding, Signal, TelemetryBatch } from './batch.ts'
export { freeMemory, giveMemory, ownMemory, shareMemory, takeMemory } from './chunk-memory.ts'
export { createSpanColumns } from './columns.ts'
export type { SpanColumns } from './columns.ts'
export { countDataPoints, countItems, countLogRecords, countSpans, inspectItems } from './count.ts'
export type { Inspection } from './count.ts'
export {
  decodeKeyValue,
  decodeResourceHeader,
  decodeScopeHeader,
  decodeSpan,
  decodeTraces,
  emptySpan,
} from './decode.ts'
export { encodeKeyValue, encodeSpan, encodeTraces } from './encode.ts'
export { editItems, editRequest } from './edit.ts'
export type { ItemViews, Visitor } from './edit.ts'
export { otlpProtoFiles, protoFile } from './descriptors.ts'
export type { ProtoField, ProtoFile, ProtoMessage, ProtoMethod, ProtoSource } from './descriptors.ts'
export { MAX_DEPTH, OtlpError } from './error.ts'
export type { OtlpErrorCode } from './error.ts'
export { logsFromJson, metricsFromJson, tracesFromJson } from './from-json.ts'
export type { InvalidIdListener } from './from-json.ts'
export { bytesToHex, hexToBytes } from './ids.ts'
export { indexItems } from './item-index.ts'
export type { Containers, ItemIndex, ItemRanges } from './item-index.ts'
export { joinBytes } from './join.ts'
export type { LogRecord, LogsData, ResourceLogs, ScopeLogs } from './logs-model.ts'
export { decodeLogs, decodeMetrics, encodeLogs, encodeMetrics } from './message.ts'
export type {
  Buckets,
  Exemplar,
  ExponentialHistogram,
  ExponentialHistogramDataPoint,
  Gauge,
  Histogram,
  HistogramDataPoint,
  Metric,
  MetricsData,
  NumberDataPoint,
  ResourceMetrics,
  ScopeMetrics,
  Sum,
  Summary,
  SummaryDataPoint,
  ValueAtQuantile,
} from './metrics-model.ts'
export type {
  AnyValue,
  KeyValue,
  Resource,
  ResourceSpans,
  Scope,
  ScopeSpans,
  Span,
  SpanEvent,
  SpanLink,
  SpanStatus,
  TracesData,
} from './model.ts'
export { readOrigin } from './origin.ts'
export type { Origin } from './origin.ts'
export { regroupItems } from './regroup.ts'
export type { Regrouping, RowViews } from './regroup.ts'
export { rejectInvalidSpans } from './reject.ts'
export type { Rejection } from './reject.ts'
export {
  decodeExportResponse,
  decodeStatus,
  encodeExportResponse,
  encodeStatus,
  exportResponseToJson,
  statusToJson,
} from './response.ts'
export type { ExportResponse, Status } from './response.ts'
export { resourceParts } from './resources.ts'
export type { ResourcePart } from './resources.ts'
export { encodePointAttributes, encodeSeries } from './series.ts'
export type { ExemplarData, MetricSeries, PointData, PointKind, ResourceSeries } from './series.ts'
export { columnsOf, scanSpans } from './scan.ts'
export type { AttributeVisitor } from './scan.ts'
export { someItem } from './some-item.ts'
export type { Question } from './some-item.ts'
export { extractItems, extractSpans, spanExtractor, spliceSpans, splitItems, splitSpans } from './splice.ts'
export type { SpanEdit, SplitLimits } from './splice.ts'
export { formatDuration, formatGoDuration, parseGoDuration } from './time.ts'
export type { Nanoseconds } from './time.ts'
export { requestToJson, tracesDataToJson, tracesToJson } from './to-json.ts'
export { valueToJsonText } from './value-text.ts'
export { Attributes } from './view/attributes.ts'
export type { ResourceView, ScopeView } from './view/header.ts'
export type { LogRecordView } from './view/log-record.ts'
export type { DataPointView, MetricType, MetricView } from './view/metric.ts'
export type { EventView, LinkView, SpanView } from './view/span.ts'
