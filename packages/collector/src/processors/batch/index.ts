import type { ProcessorFactory } from '../../component/index.ts'
import { SIGNALS } from '../../otlp-protocol/services.ts'
import { BatchProcessor } from './batch-processor.ts'
import { batchConfig, type BatchConfig } from './config.ts'

/** Gathers small batches into large ones, by size and by time. */
export const batchProcessor: ProcessorFactory<BatchConfig> = {
  kind: 'processor',
  type: 'batch',
  config: batchConfig,
  signals: SIGNALS,
  create: (context, config, next, signal) => new BatchProcessor(context, config, next, signal),
}
