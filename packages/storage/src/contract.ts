import type { TelemetryBatch } from '@spoor/otlp'
import type { StoreHealth } from './events.ts'

/**
 * What a trace store promises. Every engine passes the same conformance suite (`@spoor/storage/conformance`).
 *
 * Times are nanoseconds since 1970 as bigint, ranges are `[from, to)` unless said otherwise, durations are nanoseconds.
 * What a method hands out is the caller's to keep.
 */
export interface TraceStore {
  /**
   * Resolves when the spans are durable (they survive `kill -9` and power loss) and can be found by `trace` and `search`.
   * Rejects with a {@link StorageError}; then none of the batch is acknowledged, though some of it may be found. Spans whose trace or
   * span id is not valid are the caller's to refuse beforehand.
   */
  append(batch: TelemetryBatch): Promise<void>

  /**
   * The spans of a trace as serialized `TracesData` chunks whose concatenation is one valid message: each span with its own bytes, under its own resource and
   * scope, as it came. An unknown id gives no chunk. `id` is 32 hex digits, lower case.
   */
  trace(id: string, options?: CallOptions): AsyncIterable<Uint8Array>

  search(query: SearchQuery): Promise<SearchPage>

  /** Names of all services that have spans, sorted; `unknown_service` for spans whose resource has none. */
  services(options?: CallOptions): Promise<string[]>
  /** Operations (span names with their kinds) of a service, sorted by name then kind; of all services when `service` is undefined. */
  operations(service: string | undefined, kind?: number, options?: CallOptions): Promise<Operation[]>
  /** Attribute keys seen, most frequent first; at most `limit` (default 200). */
  attributeKeys(limit?: number, options?: CallOptions): Promise<string[]>
  /** Values seen of one attribute key, most frequent first; at most `limit` (default 100). Sampled from the newest blocks. */
  attributeValues(key: string, limit?: number, options?: CallOptions): Promise<string[]>

  /**
   * Calls between services: for each span whose parent span is of another service, one call parent -> child, over spans that start in the range. Edges
   * within one service are left out. What was found until the deadline is given, and said not to be complete.
   */
  dependencies(from: bigint, to: bigint, options?: CallOptions): Promise<Dependencies>

  stats(options?: CallOptions): Promise<StoreStats>

  /** How the store is, at once, whatever hangs. */
  health(): StoreHealth

  /** Resolves when the store cannot be used any more, with what ended it; it should then be closed and the program end. */
  readonly failed: Promise<StorageError>

  /**
   * Drains what was appended and closes. Appending afterwards rejects with `closed`. What is not done after `deadlineMs` milliseconds
   * (default 10,000) is given up, counted and rejected, whatever hangs; then `close` rejects with `timeout`.
   */
  close(deadlineMs?: number): Promise<void>
}

/** Limits of one query. */
export interface CallOptions {
  /**
   * Milliseconds after which the query stops: with what it has and `complete: false` where its answer can say so, else with a
   * StorageError `timeout`. Default 10,000.
   */
  readonly timeoutMs?: number
  /** The caller is not interested any more: the query stops, and rejects with `cancelled` where its answer cannot say that it is not complete. */
  readonly signal?: AbortSignal
}

/** Where a field is looked for. `any` is span, then event, resource and scope attributes. */
export type Level = 'any' | 'span' | 'resource' | 'scope' | 'event' | 'link'

/** The intrinsic fields of a span that a filter can name. Durations are nanoseconds; kind and status are names. */
export type Field =
  | 'service'
  | 'name'
  | 'kind' // unspecified internal server client producer consumer
  | 'status' // unset ok error
  | 'statusMessage'
  | 'duration'
  | 'start'
  | 'traceState'
  | 'scopeName'
  | 'scopeVersion'

export type Target = { readonly field: Field } | { readonly attribute: string; readonly level?: Level }

/**
 * The one filter tree that Jaeger's parameters, the search bar and later query languages compile to. It is asked of one span
 * at a time; a trace matches when one of its spans makes the whole tree true.
 *
 * A target may have several values (an attribute on the span, on two events and on the resource): a comparison holds when one
 * of them makes it true, `ne` when there is a value and none is equal. `exists` of a field: it is not empty.
 *
 * A string or boolean compares with the value's text form (Jaeger's rule: `true`, `200`), by code units: numbers as JavaScript
 * writes them, bytes in base64, arrays and maps as JSON, nothing as ''. A number or bigint compares with numbers, exactly, and
 * with text that is a number in that same form; never with other text.
 */
export type Filter =
  | { readonly op: 'and' | 'or'; readonly args: readonly Filter[] }
  | { readonly op: 'not'; readonly arg: Filter }
  | {
      readonly op: 'eq' | 'ne' | 'lt' | 'lte' | 'gt' | 'gte'
      readonly target: Target
      readonly value: string | number | bigint | boolean
    }
  /** JavaScript regular expression, unanchored. */
  | { readonly op: 'regex'; readonly target: Target; readonly value: string }
  | { readonly op: 'in'; readonly target: Target; readonly values: readonly (string | number | bigint | boolean)[] }
  | { readonly op: 'exists'; readonly target: Target }

export type Order = 'newest' | 'oldest' | 'longest' | 'shortest' | 'most_spans' | 'most_errors'

export interface SearchQuery extends CallOptions {
  /** No filter: every trace. */
  readonly filter?: Filter
  /** A matching span starts in `[from, to]`, both inclusive, as Jaeger has it. Default: all time. */
  readonly from?: bigint
  readonly to?: bigint
  /** Bounds on the whole trace: last end - first start. Nanoseconds. */
  readonly minTraceDurationNs?: number
  readonly maxTraceDurationNs?: number
  /**
   * Default `newest`: by the trace's start. Ties are broken by trace id, so that pages are stable. `newest` can stop early; the
   * others may have to look at everything in the range.
   */
  readonly order?: Order
  /** 1-10,000, default 20. */
  readonly limit?: number
  /** From an earlier page's `next`. */
  readonly cursor?: string
}

export interface SearchPage {
  readonly traces: readonly TraceSummary[]
  /** Where the next page starts; undefined at the end. */
  readonly next: string | undefined
  /** Whether all that is in question was looked at. False: stopped by time or by `signal`, or a part is damaged; there may be more. */
  readonly complete: boolean
  /** Spans looked at and milliseconds taken; shown to people. */
  readonly spansScanned: number
  readonly elapsedMs: number
}

export interface ServiceShare {
  readonly name: string
  readonly spans: number
  readonly errors: number
  /** Sum of the self time of the service's spans: time in no child span. Nanoseconds. */
  readonly selfTimeNs: number
}

export interface TraceSummary {
  /** 32 hex digits. */
  readonly traceId: string
  /** The earliest span without a parent in the trace; of an orphan when there is no root. */
  readonly rootService: string
  readonly rootName: string
  /** First start. */
  readonly start: bigint
  /** Last end - first start. Nanoseconds. */
  readonly durationNs: number
  readonly spans: number
  /** Spans with status error. What was sent twice, the same in every header field, counts once, here and in `spans`. */
  readonly errors: number
  /** Spans whose parent is not in the store. */
  readonly orphans: number
  /** Sorted by name. */
  readonly services: readonly ServiceShare[]
}

export interface Operation {
  readonly name: string
  /** 0-5, as on the wire. */
  readonly kind: number
}

export interface DependencyEdge {
  readonly parent: string
  readonly child: string
  readonly calls: number
  readonly errors: number
}

export interface Dependencies {
  /** Sorted by parent, then child. */
  readonly edges: readonly DependencyEdge[]
  /** Whether all that is in question was looked at. */
  readonly complete: boolean
}

export interface StoreStats {
  readonly spans: number
  readonly blocks: number
  readonly segments: number
  /** Bytes on disk, all files of the store. */
  readonly diskBytes: number
  /** Start of the earliest and latest span; undefined when empty. */
  readonly oldest: bigint | undefined
  readonly newest: bigint | undefined
  /** Spans appended since the store was opened. */
  readonly appended: number
  /** What recovery found at open: blocks indexed again, bytes of a torn tail cut off. */
  readonly recovered: { readonly blocks: number; readonly tornBytes: number }
}

export type StorageErrorCode =
  | 'closed'
  /** The disk has no room; it can be sent again when there is. */
  | 'disk_full'
  /** The disk, or a part of the store, fails; it can be sent again. */
  | 'io'
  /** What is stored cannot be read. */
  | 'corrupt'
  /** Another process has the directory. */
  | 'locked'
  /** The store was opened to be read only. */
  | 'read_only'
  /** A newer version of Spoor wrote the directory. */
  | 'newer_format'
  | 'bad_query'
  /** A query, or closing, took longer than it was given. */
  | 'timeout'
  /** The caller's signal ended the query. */
  | 'cancelled'
  /** More at once than the store takes; it can be sent again. */
  | 'overloaded'

export class StorageError extends Error {
  override readonly name = 'StorageError'
  readonly code: StorageErrorCode
  readonly retryable: boolean
  constructor(code: StorageErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.retryable = code === 'disk_full' || code === 'io' || code === 'overloaded'
  }
}
