/** The component types that come with the collector. A program adds its own behind them. Their schemas alone take longer to make than a collector to start. */
import type { DeferredFactory, Factory, Kind } from './component/index.ts'

export const builtinComponents: readonly DeferredFactory[] = [
  deferred('receiver', 'otlp', () => import('./receivers/otlp/index.ts').then((module) => module.otlpReceiver)),
  deferred(
    'receiver',
    'otlp_json_file',
    () => import('./receivers/otlp-json-file/index.ts').then((module) => module.otlpJsonFileReceiver),
    ['otlpjsonfile'],
  ),
  deferred('receiver', 'jaeger', () => import('./receivers/jaeger/index.ts').then((module) => module.jaegerReceiver)),
  deferred('receiver', 'zipkin', () => import('./receivers/zipkin/index.ts').then((module) => module.zipkinReceiver)),
  deferred('receiver', 'kafka', () => import('./receivers/kafka/index.ts').then((module) => module.kafkaReceiver)),
  deferred('receiver', 'nop', () => import('./receivers/nop/index.ts').then((module) => module.nopReceiver)),
  deferred('processor', 'batch', () => import('./processors/batch/index.ts').then((module) => module.batchProcessor)),
  deferred('processor', 'filter', () =>
    import('./processors/filter/index.ts').then((module) => module.filterProcessor),
  ),
  deferred('processor', 'memory_limiter', () =>
    import('./processors/memory-limiter/index.ts').then((module) => module.memoryLimiterProcessor),
  ),
  deferred('processor', 'attributes', () =>
    import('./processors/attributes/index.ts').then((module) => module.attributesProcessor),
  ),
  deferred('processor', 'resource', () =>
    import('./processors/resource/index.ts').then((module) => module.resourceProcessor),
  ),
  deferred(
    'processor',
    'resource_detection',
    () => import('./processors/resource-detection/index.ts').then((module) => module.resourceDetectionProcessor),
    ['resourcedetection'],
  ),
  deferred('processor', 'span', () => import('./processors/span/index.ts').then((module) => module.spanProcessor)),
  deferred('processor', 'redaction', () =>
    import('./processors/redaction/index.ts').then((module) => module.redactionProcessor),
  ),
  deferred('processor', 'probabilistic_sampler', () =>
    import('./processors/probabilistic-sampler/index.ts').then((module) => module.probabilisticSamplerProcessor),
  ),
  deferred('processor', 'tail_sampling', () =>
    import('./processors/tail-sampling/index.ts').then((module) => module.tailSamplingProcessor),
  ),
  deferred('processor', 'groupbytrace', () =>
    import('./processors/groupbytrace/index.ts').then((module) => module.groupByTraceProcessor),
  ),
  deferred('processor', 'nop', () => import('./processors/nop/index.ts').then((module) => module.nopProcessor)),
  deferred('processor', 'transform', () =>
    import('./processors/transform/index.ts').then((module) => module.transformProcessor),
  ),
  deferred(
    'exporter',
    'otlp_grpc',
    () => import('./exporters/otlp-grpc/index.ts').then((module) => module.otlpGrpcExporter),
    ['otlp'],
  ),
  deferred(
    'exporter',
    'otlp_http',
    () => import('./exporters/otlp-http/index.ts').then((module) => module.otlpHttpExporter),
    ['otlphttp'],
  ),
  deferred(
    'exporter',
    'load_balancing',
    async () => {
      const [{ createLoadBalancingExporter }, { otlpGrpcExporter }] = await Promise.all([
        import('./exporters/load-balancing/index.ts'),
        import('./exporters/otlp-grpc/index.ts'),
      ])
      return createLoadBalancingExporter(otlpGrpcExporter)
    },
    ['loadbalancing'],
  ),
  deferred('exporter', 'debug', () => import('./exporters/debug/index.ts').then((module) => module.debugExporter)),
  deferred('exporter', 'file', () => import('./exporters/file/index.ts').then((module) => module.fileExporter)),
  deferred('exporter', 'prometheus', () =>
    import('./exporters/prometheus/index.ts').then((module) => module.prometheusExporter),
  ),
  deferred('exporter', 'zipkin', () => import('./exporters/zipkin/index.ts').then((module) => module.zipkinExporter)),
  deferred('exporter', 'kafka', () => import('./exporters/kafka/index.ts').then((module) => module.kafkaExporter)),
  deferred('exporter', 'nop', () => import('./exporters/nop/index.ts').then((module) => module.nopExporter)),
  deferred('connector', 'forward', () =>
    import('./connectors/forward/index.ts').then((module) => module.forwardConnector),
  ),
  deferred('connector', 'nop', () => import('./connectors/nop/index.ts').then((module) => module.nopConnector)),
  deferred(
    'connector',
    'span_metrics',
    () => import('./connectors/span-metrics/index.ts').then((module) => module.spanMetricsConnector),
    ['spanmetrics'],
  ),
  deferred('connector', 'count', () => import('./connectors/count/index.ts').then((module) => module.countConnector)),
  deferred('connector', 'routing', () =>
    import('./connectors/routing/index.ts').then((module) => module.routingConnector),
  ),
  deferred('connector', 'exceptions', () =>
    import('./connectors/exceptions/index.ts').then((module) => module.exceptionsConnector),
  ),
  deferred(
    'connector',
    'service_graph',
    () => import('./connectors/service-graph/index.ts').then((module) => module.serviceGraphConnector),
    ['servicegraph'],
  ),
  deferred('extension', 'health_check', () =>
    import('./extensions/health-check/index.ts').then((module) => module.healthCheckExtension),
  ),
  deferred('extension', 'file_storage', () =>
    import('./extensions/file-storage/index.ts').then((module) => module.fileStorageExtension),
  ),
  deferred('extension', 'basicauth', () =>
    import('./extensions/basicauth/index.ts').then((module) => module.basicAuthExtension),
  ),
  deferred('extension', 'bearertokenauth', () =>
    import('./extensions/bearertokenauth/index.ts').then((module) => module.bearerTokenAuthExtension),
  ),
  deferred('extension', 'pprof', () => import('./extensions/pprof/index.ts').then((module) => module.pprofExtension)),
  deferred('extension', 'zpages', () =>
    import('./extensions/zpages/index.ts').then((module) => module.zpagesExtension),
  ),
  deferred('extension', 'nop', () => import('./extensions/nop/index.ts').then((module) => module.nopExtension)),
]

function deferred(
  kind: Kind,
  type: string,
  load: () => Promise<Factory>,
  aliases: readonly string[] = [],
): DeferredFactory {
  let loading: Promise<Factory> | undefined
  return { kind, type, aliases, load: () => (loading ??= load()) }
}
