/** receive - process - export: an OpenTelemetry collector that passes bytes through. */
export { createCollector, openCollector, type Collector, type CollectorOptions, type OpenOptions } from './collector.ts'
export {
  componentList,
  configSchema,
  effectiveConfig,
  loadAll,
  readConfigTexts,
  setText,
  type ConfigText,
  type PipelineConfig,
  type JsonSchema,
} from './config/index.ts'
export { STATUS_PATHS, type CollectorStatus, type EdgesStatus, type SendersStatus } from './status-api/contract.ts'
export type { StatusOptions } from './status-api/listener.ts'
export { builtinComponents } from './components.ts'
export { startTrial, type Trial, type TrialOptions } from './trial/trial.ts'
export { garbageCollector, tuneGarbageCollection } from './process.ts'
export * from './component/index.ts'
export {
  COLLECTOR_METRICS,
  PROMETHEUS_TYPE,
  prometheusText,
  type LogsConfig,
  type MetricCatalogue,
  type MetricInfo,
} from './telemetry/index.ts'
export {
  createExporter,
  exporterHelperKeys,
  type ExporterOptions,
  type Sender,
  type SendResult,
} from './exporter-helper/index.ts'
export { createGrpcEndpoint } from './extension-helper/index.ts'
export {
  DURATION,
  JAEGER_MODEL,
  JAEGER_V2,
  protoMessage,
  TIME_FILES,
  TIME_IMPORTS,
  TIMESTAMP,
} from './jaeger-helper/index.ts'
export {
  createHealth as createGrpcHealth,
  HEALTH_SERVICE,
  healthProtoFile,
  reflectionHandlers,
  type StreamHandler,
} from './receiver-helper/index.ts'
