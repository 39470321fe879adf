/** The columns that are written, in their order. */
export const WRITTEN_COLUMNS = [
  'Timestamp',
  'TraceId',
  'SpanId',
  'ParentSpanId',
  'TraceState',
  'SpanName',
  'SpanKind',
  'ServiceName',
  'ResourceAttributes',
  'ScopeName',
  'ScopeVersion',
  'SpanAttributes',
  'Duration',
  'StatusCode',
  'StatusMessage',
  'Events.Timestamp',
  'Events.Name',
  'Events.Attributes',
  'Links.TraceId',
  'Links.SpanId',
  'Links.TraceState',
  'Links.Attributes',
  'SpoorBatch',
  'SpoorRow',
  'SpoorStart',
  'SpoorDuration',
  'SpoorScopeAttributes',
  'SpoorResource',
  'SpoorScope',
  'SpoorSpan',
] as const

/** As the exporter of the collector writes them. */
export const KIND_NAMES = ['Unspecified', 'Internal', 'Server', 'Client', 'Producer', 'Consumer'] as const
export const STATUS_NAMES = ['Unset', 'Ok', 'Error'] as const
