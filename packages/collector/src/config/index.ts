export type { CollectorConfig, ComponentConfig, LogLevel, PipelineConfig } from './config.ts'
export { loadConfig } from './load.ts'
export { readConfigText } from './read.ts'
