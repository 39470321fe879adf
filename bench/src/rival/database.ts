import { DatabaseSync } from 'node:sqlite'
import type { ProtoAnyValue, ProtoEvent, ProtoKeyValue, ProtoLink, ProtoRequest } from './proto.ts'

/**
 * Spans in SQLite as one would write it by the book: a row a span, resources and scopes in a table of their own,
 * attributes, events and links as JSON, prepared statements, transactions, write-ahead log, `synchronous=FULL` so
 * that a commit is durable, and indexes for what is asked: the trace id, and service with start.
 */
export interface SpanDatabase {
  /** Inserts all requests in one transaction; durable when it returns. */
  insert(requests: readonly ProtoRequest[]): void
  /** All spans of a trace with their attributes parsed; `id` in hex. */
  trace(id: string): StoredSpan[]
  /** The ids (hex) of the traces in which the service was last seen, newest first. */
  latest(service: string, limit: number): string[]
  /** The ids (hex) of the traces that have a span with this attribute value. */
  byAttribute(key: string, value: string, limit: number): string[]
  count(): number
  close(): void
}

export interface StoredSpan {
  readonly spanId: Uint8Array
  readonly name: string
  readonly attributes: Record<string, unknown>
  readonly events: unknown[]
  readonly resource: Record<string, unknown>
}

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS origins (id INTEGER PRIMARY KEY, resource TEXT NOT NULL, scope TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS spans (
    trace_id BLOB NOT NULL, span_id BLOB NOT NULL, parent_span_id BLOB, service TEXT NOT NULL, name TEXT NOT NULL,
    kind INTEGER NOT NULL, start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL, status INTEGER NOT NULL,
    status_message TEXT, trace_state TEXT, flags INTEGER NOT NULL, attributes TEXT NOT NULL, events TEXT, links TEXT, origin INTEGER NOT NULL
  );
  CREATE INDEX IF NOT EXISTS spans_trace ON spans (trace_id);
  CREATE INDEX IF NOT EXISTS spans_service ON spans (service, start_ns);
`

export function openDatabase(file: string): SpanDatabase {
  const database = new DatabaseSync(file)
  database.exec(SCHEMA)
  const insertSpan = database.prepare(`INSERT INTO spans VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
  const insertOrigin = database.prepare(`INSERT INTO origins (resource, scope) VALUES (?, ?)`)
  const selectTrace = database.prepare(
    `SELECT span_id, name, attributes, events, resource
     FROM spans JOIN origins ON origins.id = spans.origin WHERE trace_id = ?`,
  )
  const selectLatest = database.prepare(
    `SELECT lower(hex(trace_id)) AS id FROM spans WHERE service = ? ORDER BY start_ns DESC LIMIT ?`,
  )
  const selectAttribute = database.prepare(
    `SELECT DISTINCT lower(hex(trace_id)) AS id FROM spans WHERE attributes ->> ? = ? LIMIT ?`,
  )
  const selectCount = database.prepare(`SELECT count(*) AS spans FROM spans`)
  const origins = new Map<string, number | bigint>()

  const originOf = (resource: string, scope: string): number | bigint => {
    const key = `${resource}\n${scope}`
    let id = origins.get(key)
    if (id === undefined) {
      id = insertOrigin.run(resource, scope).lastInsertRowid
      origins.set(key, id)
    }
    return id
  }

  const insertRequest = (request: ProtoRequest): void => {
    for (const { resource, scopeSpans } of request.resourceSpans) {
      const attributes = record(resource?.attributes ?? [])
      const name = attributes['service.name']
      const service = typeof name === 'string' ? name : 'unknown_service'
      const resourceJson = JSON.stringify(attributes)
      for (const { scope, spans } of scopeSpans) {
        const origin = originOf(resourceJson, JSON.stringify({ name: scope?.name, version: scope?.version }))
        for (const span of spans) {
          insertSpan.run(
            span.traceId,
            span.spanId,
            span.parentSpanId.length > 0 ? span.parentSpanId : null,
            service,
            span.name,
            span.kind,
            span.startTimeUnixNano.toBigInt(),
            span.endTimeUnixNano.toBigInt(),
            span.status?.code ?? 0,
            span.status?.message ?? null,
            span.traceState || null,
            span.flags,
            JSON.stringify(record(span.attributes)),
            span.events.length > 0 ? JSON.stringify(span.events.map(eventRow)) : null,
            span.links.length > 0 ? JSON.stringify(span.links.map(linkRow)) : null,
            origin,
          )
        }
      }
    }
  }

  return {
    insert(requests) {
      database.exec('BEGIN')
      try {
        for (const request of requests) insertRequest(request)
        database.exec('COMMIT')
      } catch (error) {
        database.exec('ROLLBACK')
        throw error
      }
    },
    trace(id) {
      return selectTrace.all(Buffer.from(id, 'hex')).map((row) => ({
        spanId: row['span_id'] as Uint8Array,
        name: row['name'] as string,
        attributes: JSON.parse(row['attributes'] as string) as Record<string, unknown>,
        events: row['events'] === null ? [] : (JSON.parse(row['events'] as string) as unknown[]),
        resource: JSON.parse(row['resource'] as string) as Record<string, unknown>,
      }))
    },
    latest(service, limit) {
      // Several of the newest spans may be of one trace: take more spans until there are enough traces.
      for (let spans = limit * 8; ; spans *= 4) {
        const rows = selectLatest.all(service, spans)
        const ids = new Set(rows.map((row) => row['id'] as string))
        if (ids.size >= limit || rows.length < spans) return [...ids].slice(0, limit)
      }
    },
    byAttribute(key, value, limit) {
      return selectAttribute.all(`$."${key}"`, value, limit).map((row) => row['id'] as string)
    },
    count: () => Number(selectCount.get()?.['spans'] ?? 0),
    close: () => database.close(),
  }
}

function record(attributes: readonly ProtoKeyValue[]): Record<string, unknown> {
  const object: Record<string, unknown> = {}
  for (const { key, value } of attributes) object[key] = plain(value)
  return object
}

function plain(any: ProtoAnyValue | null): unknown {
  switch (any?.value) {
    case 'intValue': {
      const value = any.intValue.toNumber()
      return Number.isSafeInteger(value) ? value : any.intValue.toString()
    }
    case 'arrayValue':
      return any.arrayValue.values.map(plain)
    case 'kvlistValue':
      return record(any.kvlistValue.values)
    case 'bytesValue':
      return Buffer.from(any.bytesValue).toString('base64')
    case 'stringValue':
    case 'boolValue':
    case 'doubleValue':
      return any[any.value]
    default:
      return null
  }
}

const eventRow = (event: ProtoEvent) => ({
  name: event.name,
  time: event.timeUnixNano.toString(),
  attributes: record(event.attributes),
})

const linkRow = (link: ProtoLink) => ({
  traceId: Buffer.from(link.traceId).toString('hex'),
  spanId: Buffer.from(link.spanId).toString('hex'),
  attributes: record(link.attributes),
})
