import type { Attributes, TextMapPropagator } from '@opentelemetry/api'
import type { Instrumentation } from '@opentelemetry/instrumentation'
import type { Sampler } from '@opentelemetry/sdk-trace'

/** How spans go over the wire: OTLP over HTTP as protobuf or JSON, or OTLP over gRPC. */
export type ExporterProtocol = 'http/protobuf' | 'http/json' | 'grpc'

/** How much of the OpenTelemetry SDK's own messages is written to stderr. */
export type DiagnosticsLevel = 'none' | 'error' | 'warn' | 'info' | 'debug' | 'verbose' | 'all'

/** Where spans are sent. */
export interface ExporterOptions {
  /** Default `http/protobuf`. Environment: `OTEL_EXPORTER_OTLP_TRACES_PROTOCOL`, `OTEL_EXPORTER_OTLP_PROTOCOL`. */
  readonly protocol?: ExporterProtocol
  /**
   * Over HTTP the whole URL; when it has no path, `/v1/traces` is appended. Over gRPC scheme, host and port.
   *
   * Default `http://localhost:4318/v1/traces`, for gRPC `http://localhost:4317`. Environment:
   * `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` (taken as it is), `OTEL_EXPORTER_OTLP_ENDPOINT` (`v1/traces` is appended).
   */
  readonly url?: string
  /** Sent with each request. Environment: `OTEL_EXPORTER_OTLP_TRACES_HEADERS`, `OTEL_EXPORTER_OTLP_HEADERS`; merged by key. */
  readonly headers?: Readonly<Record<string, string>>
  /** Default `none`. Environment: `OTEL_EXPORTER_OTLP_TRACES_COMPRESSION`, `OTEL_EXPORTER_OTLP_COMPRESSION`. */
  readonly compression?: 'gzip' | 'none'
  /**
   * Milliseconds that one export may take, retries included. Range > 0, default 10,000.
   * Environment: `OTEL_EXPORTER_OTLP_TRACES_TIMEOUT`, `OTEL_EXPORTER_OTLP_TIMEOUT`, and `OTEL_BSP_EXPORT_TIMEOUT` where that is less.
   */
  readonly timeoutMs?: number
}

/** How ended spans are gathered before they are sent. They wait as the bytes that are sent. */
export interface BatchOptions {
  /** Most spans that wait; one that ends when so many wait is dropped and counted. Default: no limit but `maxQueueBytes`. Environment: `OTEL_BSP_MAX_QUEUE_SIZE`. */
  readonly maxQueueSize?: number
  /**
   * Most bytes that wait; a span that ends when so many wait is dropped and counted. A span with 15 attributes takes
   * some 700. Default 67,108,864: 90,000 such spans. Environment: `SPOOR_MAX_QUEUE_BYTES`.
   */
  readonly maxQueueBytes?: number
  /**
   * Milliseconds between two exports while fewer than a batch wait; the first comes after at most 1,000. Default 1,000
   * when the receiver is on this machine, else 5,000. Environment: `OTEL_BSP_SCHEDULE_DELAY`.
   */
  readonly scheduledDelayMs?: number
  /** Most spans in one export; at most `maxQueueSize`. Default 512. Environment: `OTEL_BSP_MAX_EXPORT_BATCH_SIZE`. */
  readonly maxExportBatchSize?: number
}

/** A rule with more than a name: each part that is given must match. */
export interface ExcludeMatch {
  /** The span's name as it starts, or `METHOD /path` of an HTTP span. A string must be equal. */
  readonly name?: string | RegExp
  /** Attributes as the span starts. A RegExp is tried on the value as text. */
  readonly attributes?: Readonly<Record<string, string | number | boolean | RegExp>>
}

/** A span to leave out: its name, `METHOD /path` or `/path` of a request, a RegExp for name or `METHOD /path`, or a match on name and attributes. */
export type ExcludeRule = string | RegExp | ExcludeMatch

/**
 * All that tracing can be told. What is set here wins over the environment, the environment over the defaults.
 */
export interface TracingOptions {
  /** Default: `OTEL_SERVICE_NAME`, `service.name` in `OTEL_RESOURCE_ATTRIBUTES`, the name in the application's package.json, `unknown_service:node`. */
  readonly serviceName?: string
  /** Default: `service.version` in `OTEL_RESOURCE_ATTRIBUTES`, else none. */
  readonly serviceVersion?: string
  /** What else is the same for all spans of the process, such as `deployment.environment.name`. Environment: `OTEL_RESOURCE_ATTRIBUTES`. */
  readonly resourceAttributes?: Attributes
  readonly exporter?: ExporterOptions
  readonly batch?: BatchOptions
  /**
   * Spans to leave out, decided as a span starts, with the name and the attributes that it starts with.
   * A span that matches is not recorded, **nor is anything beneath it**: its children in this process and, through the
   * sampled flag of `traceparent`, in the services that it calls. No orphans are left behind. Names and attributes
   * that are set later (`http.route`, the status) are not seen; filter on those in a collector.
   * Environment: `SPOOR_EXCLUDE`, separated by commas, `/…/` for a RegExp.
   */
  readonly exclude?: readonly ExcludeRule[]
  /**
   * `default`: node:http, undici and fetch, express, and each `@opentelemetry/instrumentation-*` package among the
   * dependencies of the application's package.json. `[]`: none. A list: only those.
   */
  readonly instrumentations?: 'default' | readonly Instrumentation[]
  /** Default parent-based, always on. Environment: `OTEL_TRACES_SAMPLER`, `OTEL_TRACES_SAMPLER_ARG`. */
  readonly sampler?: Sampler
  /** Default W3C trace context and W3C baggage. Environment: `OTEL_PROPAGATORS` (`tracecontext`, `baggage`, `b3`, `b3multi`, `jaeger`, `xray`, `none`). */
  readonly propagators?: readonly TextMapPropagator[]
  /** The SDK's own messages, on stderr, each kind at most once a minute. Default `warn`. Environment: `OTEL_LOG_LEVEL`. `none` silences Spoor's warnings too. */
  readonly diagnostics?: DiagnosticsLevel
  /** True: no line at start, none when a lost receiver is back. Warnings stay. Default false. Environment: `SPOOR_QUIET=1`. */
  readonly quiet?: boolean
  /**
   * Values of secret parameters (`token`, `key`, `signature`, `password` and the like) and passwords in the attributes
   * `url.full`, `url.query`, `http.url` and `http.target` are replaced by `REDACTED` before a span is sent. Default true.
   * Environment: `SPOOR_REDACT_URLS=false`.
   */
  readonly redactUrls?: boolean
  /**
   * Whether what this process knows of itself (what is patched, sampler, exporter, counts of what was dropped, lost and never ended, and that it ends) is told to a Spoor that asks for
   * it, with requests where its spans go. Nobody else is told. Default true; false on AWS Lambda. Environment: `SPOOR_REPORTS=false`.
   */
  readonly reports?: boolean
  /** Most milliseconds that the end of the process may be held up to send what has not been sent. Range >= 0, default 3,000; 0 sends nothing. Environment: `SPOOR_EXIT_DEADLINE_MS`. */
  readonly exitDeadlineMs?: number
}
