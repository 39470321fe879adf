import { builtinFactories, type ConfigText, createCollector, type Factory } from '@spoor/collector'
import { StorageError } from '@spoor/storage'
import { createLogger } from './logging.ts'
import { NamedStore } from './named-store.ts'
import { createIntake, storageExporterFactory } from './storage-exporter.ts'

/** The store that the configuration names; undefined where it names none. Throws CollectorError `config` with a line for each thing that is wrong in it. */
export function storeInConfig(config: readonly ConfigText[]): string | undefined {
  const named = new NamedStore()
  const store = (): never => {
    throw new StorageError('closed', 'nothing is stored while a configuration is read')
  }
  createCollector({
    config,
    // As when it runs; the ports have no meaning here.
    env: {
      ...process.env,
      SPOOR_OTLP_GRPC_ENDPOINT: '127.0.0.1:4317',
      SPOOR_OTLP_HTTP_ENDPOINT: '127.0.0.1:4318',
    },
    factories: [...builtinFactories, storageExporterFactory(store, createIntake(), { named }) as Factory],
    logger: createLogger('silent'),
  })
  return named.address
}
