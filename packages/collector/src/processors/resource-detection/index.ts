import type { ProcessorFactory } from '../../component/index.ts'
import { SIGNALS } from '../../otlp-protocol/services.ts'
import { resourceDetectionConfig, type ResourceDetectionConfig } from './config.ts'
import { createResourceDetection } from './resource-detection.ts'

/** Adds to resources what the environment and the machine say. */
export const resourceDetectionProcessor: ProcessorFactory<ResourceDetectionConfig> = {
  kind: 'processor',
  type: 'resource_detection',
  aliases: ['resourcedetection'],
  config: resourceDetectionConfig,
  signals: SIGNALS,
  create: createResourceDetection,
}
