export type { CollectorConfig, ComponentConfig, FactoryOf, LogLevel, PipelineConfig } from './config.ts'
export { loadConfig, type LoadOptions } from './load.ts'
