/**
 * OpenTelemetry tracing for Node services, set up in the right order, that says what it did: an SDK for `@opentelemetry/api`, which is for
 * everything else.
 */
import { hintAtRegister } from './preload-hint.ts'
import { hasStarted } from './tracing.ts'

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

hintAtRegister(hasStarted)
