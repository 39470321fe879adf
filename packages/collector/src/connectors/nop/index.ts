import { freeMemory } from '@spoor/otlp'
import { section, type ConnectorFactory } from '../../component/index.ts'
import { SIGNALS } from '../../otlp-protocol/services.ts'

/** Takes everything and hands nothing on; for trials. */
export const nopConnector: ConnectorFactory<object> = {
  kind: 'connector',
  type: 'nop',
  config: section({}),
  signals: new Map(SIGNALS.map((signal) => [signal, SIGNALS])),
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
