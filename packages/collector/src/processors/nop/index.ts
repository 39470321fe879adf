import { section, type ProcessorFactory } from '../../component/index.ts'
import { SIGNALS } from '../../otlp-protocol/services.ts'

/** Hands on what it gets as it is. */
export const nopProcessor: ProcessorFactory<object> = {
  kind: 'processor',
  type: 'nop',
  config: section({}),
  signals: SIGNALS,
  create: (_context, _config, next) => ({
    start: () => Promise.resolve(),
    consume: (batch, context) => next.consume(batch, context),
    shutdown: () => Promise.resolve(),
  }),
}
