export { COLLECTOR_METRICS, type MetricCatalogue, type MetricInfo } from './catalogue.ts'
export { LOG_LEVELS, telemetryConfig, type LogLevel, type LogsConfig, type TelemetryConfig } from './config.ts'
export { PROMETHEUS_TYPE, prometheusText } from './prometheus.ts'
export { createTelemetry, resourceOf } from './telemetry.ts'
