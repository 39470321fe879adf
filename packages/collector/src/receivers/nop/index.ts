import { section, type ReceiverFactory } from '../../component/index.ts'
import { SIGNALS } from '../../otlp-protocol/services.ts'

/** Receives nothing; for configs that need a receiver and have none yet. */
export const nopReceiver: ReceiverFactory<object> = {
  kind: 'receiver',
  type: 'nop',
  config: section({}),
  signals: SIGNALS,
  create: () => ({ start: () => Promise.resolve(), shutdown: () => Promise.resolve() }),
}
