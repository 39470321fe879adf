/**
 * OpenTelemetry tracing for Node services, set up in the right order, that says what it did. A thin layer over the
 * OpenTelemetry JS SDK; for everything else use `@opentelemetry/api`.
 */
export type { DeliveryStats } from './delivery.ts'
export { InstrumentError, type InstrumentErrorCode } from './error.ts'
export type {
  BatchOptions,
  DiagnosticsLevel,
  ExcludeMatch,
  ExcludeRule,
  ExporterOptions,
  ExporterProtocol,
  TracingOptions,
} from './options.ts'
export { getTracer, withSpan } from './spans.ts'
export { startTracing, type Tracing, type TracingStats } from './tracing.ts'
