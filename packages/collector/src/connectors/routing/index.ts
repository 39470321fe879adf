import type { ConnectorFactory } from '../../component/index.ts'
import { SIGNALS } from '../../otlp-protocol/services.ts'
import { routesOf, routingConfig, type RoutingConfig } from './config.ts'
import { RoutingConnector } from './routing.ts'

/** Sends each resource or item to the pipelines that conditions choose for it. */
export const routingConnector: ConnectorFactory<RoutingConfig> = {
  kind: 'connector',
  type: 'routing',
  config: routingConfig,
  signals: new Map(SIGNALS.map((signal) => [signal, [signal]])),
  routes: routesOf,
  create: (context, config, _next, routes) => new RoutingConnector(context, config, routes),
}
