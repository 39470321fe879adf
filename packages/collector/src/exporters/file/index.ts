/** Writes what comes by to files, as OTLP/JSON lines or as serialized messages. */
import { resolve } from 'node:path'
import type { ExporterFactory } from '../../component/index.ts'
import { createExporter, NO_QUEUE, NO_RETRY } from '../../exporter-helper/index.ts'
import { SIGNALS } from '../../otlp-protocol/services.ts'
import { fileConfig, type FileConfig } from './config.ts'
import { FileSender } from './file-sender.ts'

export const fileExporter: ExporterFactory<FileConfig> = {
  kind: 'exporter',
  type: 'file',
  config: fileConfig,
  signals: SIGNALS,
  create: (context, config) => {
    const claims = [`file ${resolve(config.path)}`]
    return createExporter(
      context,
      { queue: NO_QUEUE, retry: NO_RETRY, timeoutMs: 0, claims },
      new FileSender(context, config),
    )
  },
}
