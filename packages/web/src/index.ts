export { startTracing, type WebTracing } from './tracing.ts'
export type { WebTracingOptions } from './options.ts'
export type { Counts } from './exporter.ts'
