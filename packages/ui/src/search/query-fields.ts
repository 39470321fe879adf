/* What is known of the query's keys without asking the server. Loaded when somebody first writes a query. */

interface FieldHelp {
  readonly key: string
  readonly help: string
}

/** The keys of a span itself; all others are attributes. */
export const fields: readonly FieldHelp[] = [
  { key: 'service', help: 'service.name of the resource' },
  { key: 'name', help: 'name of the span, the operation' },
  { key: 'status', help: 'unset, ok, error' },
  { key: 'duration', help: 'of the span: duration>200ms' },
  { key: 'kind', help: 'server, client, internal, producer, consumer' },
  { key: 'scope', help: 'instrumentation scope' },
  { key: 'has', help: 'the attribute is there: has:http.route' },
  { key: 'trace.duration', help: 'of the whole trace: trace.duration>5s' },
  { key: 'trace.request', help: 'of the root span, what the caller waited for' },
  { key: 'trace.tail', help: 'what ran on after the request' },
  { key: 'trace.spans', help: 'spans of the whole trace: trace.spans>100' },
  { key: 'trace.errors', help: 'failed spans of the whole trace' },
  { key: 'root.service', help: 'service of the root span' },
  { key: 'root.name', help: 'name of the root span' },
]

/** Values that are known without asking. */
export const knownValues: Readonly<Record<string, readonly string[]>> = {
  status: ['error', 'ok', 'unset'],
  kind: ['server', 'client', 'internal', 'producer', 'consumer', 'unspecified'],
  duration: ['10ms', '100ms', '200ms', '500ms', '1s'],
  'trace.duration': ['100ms', '1s', '5s'],
  'trace.request': ['100ms', '1s', '5s'],
  'trace.tail': ['100ms', '1s', '5s'],
  'trace.spans': ['100', '1000'],
  'trace.errors': ['0', '1'],
}

/** Keys that are compared by size. */
export const ordered: ReadonlySet<string> = new Set([
  'duration',
  'trace.duration',
  'trace.request',
  'trace.tail',
  'trace.spans',
  'trace.errors',
])
