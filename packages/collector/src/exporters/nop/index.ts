import { freeMemory } from '@spoor/otlp'
import { section, type ExporterFactory } from '../../component/index.ts'
import { SIGNALS } from '../../otlp-protocol/services.ts'

/** Takes everything and keeps nothing; for trials and measurements. */
export const nopExporter: ExporterFactory<object> = {
  kind: 'exporter',
  type: 'nop',
  config: section({}),
  signals: SIGNALS,
  create: () => ({
    releases: true,
    start: () => Promise.resolve(),
    consume: (batch) => {
      freeMemory(batch)
      return Promise.resolve()
    },
    shutdown: () => Promise.resolve(),
  }),
}
