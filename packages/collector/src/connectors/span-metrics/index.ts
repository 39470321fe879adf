import type { ConnectorFactory } from '../../component/index.ts'
import { spanMetricsConfig, type SpanMetricsConfig } from './config.ts'
import { SpanMetricsConnector } from './span-metrics.ts'

/** Makes metrics of spans: calls and their durations. */
export const spanMetricsConnector: ConnectorFactory<SpanMetricsConfig> = {
  kind: 'connector',
  type: 'span_metrics',
  aliases: ['spanmetrics'],
  config: spanMetricsConfig,
  signals: new Map([['traces', ['metrics']]]),
  create: (context, config, next) => new SpanMetricsConnector(context, config, next.get('metrics')!),
}
