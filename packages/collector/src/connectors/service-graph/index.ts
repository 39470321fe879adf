import type { ConnectorFactory } from '../../component/index.ts'
import { serviceGraphConfig, type ServiceGraphConfig } from './config.ts'
import { ServiceGraphConnector } from './service-graph.ts'

/** Makes metrics of who calls whom. */
export const serviceGraphConnector: ConnectorFactory<ServiceGraphConfig> = {
  kind: 'connector',
  type: 'service_graph',
  aliases: ['servicegraph'],
  config: serviceGraphConfig,
  signals: new Map([['traces', ['metrics']]]),
  create: (context, config, next) => new ServiceGraphConnector(context, config, next.get('metrics')!),
}
