import type { ConnectorFactory } from '../../component/index.ts'
import { SIGNALS } from '../../otlp-protocol/services.ts'
import { countConfig, type CountConfig } from './config.ts'
import { CountConnector } from './count.ts'

/** Makes metrics of how much comes by. */
export const countConnector: ConnectorFactory<CountConfig> = {
  kind: 'connector',
  type: 'count',
  config: countConfig,
  signals: new Map(SIGNALS.map((signal) => [signal, ['metrics']])),
  create: (context, config, next) => new CountConnector(context, config, next.get('metrics')!),
}
