import type { ConnectorFactory } from '../../component/index.ts'
import { exceptionsConfig, type ExceptionsConfig } from './config.ts'
import { ExceptionsConnector } from './exceptions.ts'

/** Makes metrics and logs of the exceptions that spans have recorded. */
export const exceptionsConnector: ConnectorFactory<ExceptionsConfig> = {
  kind: 'connector',
  type: 'exceptions',
  config: exceptionsConfig,
  signals: new Map([['traces', ['metrics', 'logs']]]),
  create: (context, config, next) => new ExceptionsConnector(context, config, next),
}
