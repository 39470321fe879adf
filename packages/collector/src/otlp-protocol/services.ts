/** Where each signal's Export lives in OTLP/gRPC and OTLP/HTTP. Source: opentelemetry-proto, docs/specification.md. */
import type { Signal } from '@spoor/otlp'

export const SIGNALS: readonly Signal[] = ['traces', 'metrics', 'logs']

/** The `:path` of each signal's unary Export call. */
export const GRPC_PATHS: Readonly<Record<Signal, string>> = {
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
}

/** What a sender is told of a signal that nothing takes. Source: the OpenTelemetry specification, SDK environment variables. */
export const TURN_OFF: Readonly<Record<Signal, string>> = {
  traces: 'set OTEL_TRACES_EXPORTER=none in the sender',
  metrics: 'set OTEL_METRICS_EXPORTER=none in the sender',
  logs: 'set OTEL_LOGS_EXPORTER=none in the sender',
}

/** The default URL path of each signal. */
export const HTTP_PATHS: Readonly<Record<Signal, string>> = {
  traces: '/v1/traces',
  metrics: '/v1/metrics',
  logs: '/v1/logs',
}
