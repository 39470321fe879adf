/**
 * OTLP logs as plain objects, with the conventions of `model.ts`: ids are hex, 64-bit integers bigint, what is absent has its zero value.
 * Source: opentelemetry-proto `logs/v1/logs.proto`.
 */
import type { AnyValue, KeyValue, Resource, Scope } from './model.ts'

export interface LogRecord {
  /** Nanoseconds since 1970; 0 where the time of the event is not known. */
  readonly timeUnixNano: bigint
  /** Nanoseconds since 1970. */
  readonly observedTimeUnixNano: bigint
  /** 1-4 trace, 5-8 debug, 9-12 info, 13-16 warn, 17-20 error, 21-24 fatal; 0 unspecified. */
  readonly severityNumber: number
  readonly severityText: string
  /** Of type `empty` where there is none. */
  readonly body: AnyValue
  readonly attributes: readonly KeyValue[]
  readonly droppedAttributesCount: number
  readonly flags: number
  readonly traceId: string
  readonly spanId: string
  readonly eventName: string
}

export interface ScopeLogs {
  readonly scope: Scope
  readonly logRecords: readonly LogRecord[]
  readonly schemaUrl: string
}

export interface ResourceLogs {
  readonly resource: Resource
  readonly scopeLogs: readonly ScopeLogs[]
  readonly schemaUrl: string
}

/** `ExportLogsServiceRequest`, which has the same wire form as `LogsData`. */
export interface LogsData {
  readonly resourceLogs: readonly ResourceLogs[]
}
