import type { ExporterFactory } from '../../component/index.ts'
import { loadBalancingConfig, type LoadBalancingConfig } from './config.ts'
import { LoadBalancer } from './load-balancing.ts'
import { resolverOf } from './resolver.ts'

/** Sends each trace, or each service, to one of several backends. `otlp`: what sends to each of them. */
export function createLoadBalancingExporter<C extends { readonly endpoint: string }>(
  otlp: ExporterFactory<C>,
): ExporterFactory<LoadBalancingConfig> {
  return {
    kind: 'exporter',
    type: 'load_balancing',
    aliases: ['loadbalancing'],
    config: loadBalancingConfig(otlp.config),
    signals: ['traces'],
    create: (context, config) =>
      new LoadBalancer(
        context,
        config,
        // The config of a backend is what its schema has made of it.
        { create: (about, backend) => otlp.create(about, backend as unknown as C) },
        resolverOf(config),
      ),
  }
}
