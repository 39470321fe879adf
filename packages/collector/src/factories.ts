/** The component types that come with the collector. A program adds its own behind them. */
import type { Factory } from './component/index.ts'
import { forwardConnector } from './connectors/forward/index.ts'
import { nopConnector } from './connectors/nop/index.ts'
import { countConnector } from './connectors/count/index.ts'
import { exceptionsConnector } from './connectors/exceptions/index.ts'
import { routingConnector } from './connectors/routing/index.ts'
import { serviceGraphConnector } from './connectors/service-graph/index.ts'
import { spanMetricsConnector } from './connectors/span-metrics/index.ts'
import { debugExporter } from './exporters/debug/index.ts'
import { fileExporter } from './exporters/file/index.ts'
import { kafkaExporter } from './exporters/kafka/index.ts'
import { createLoadBalancingExporter } from './exporters/load-balancing/index.ts'
import { nopExporter } from './exporters/nop/index.ts'
import { otlpGrpcExporter } from './exporters/otlp-grpc/index.ts'
import { otlpHttpExporter } from './exporters/otlp-http/index.ts'
import { prometheusExporter } from './exporters/prometheus/index.ts'
import { zipkinExporter } from './exporters/zipkin/index.ts'
import { basicAuthExtension } from './extensions/basicauth/index.ts'
import { bearerTokenAuthExtension } from './extensions/bearertokenauth/index.ts'
import { fileStorageExtension } from './extensions/file-storage/index.ts'
import { healthCheckExtension } from './extensions/health-check/index.ts'
import { nopExtension } from './extensions/nop/index.ts'
import { pprofExtension } from './extensions/pprof/index.ts'
import { zpagesExtension } from './extensions/zpages/index.ts'
import { attributesProcessor } from './processors/attributes/index.ts'
import { batchProcessor } from './processors/batch/index.ts'
import { filterProcessor } from './processors/filter/index.ts'
import { groupByTraceProcessor } from './processors/groupbytrace/index.ts'
import { memoryLimiterProcessor } from './processors/memory-limiter/index.ts'
import { nopProcessor } from './processors/nop/index.ts'
import { resourceProcessor } from './processors/resource/index.ts'
import { resourceDetectionProcessor } from './processors/resource-detection/index.ts'
import { probabilisticSamplerProcessor } from './processors/probabilistic-sampler/index.ts'
import { redactionProcessor } from './processors/redaction/index.ts'
import { spanProcessor } from './processors/span/index.ts'
import { tailSamplingProcessor } from './processors/tail-sampling/index.ts'
import { transformProcessor } from './processors/transform/index.ts'
import { jaegerReceiver } from './receivers/jaeger/index.ts'
import { kafkaReceiver } from './receivers/kafka/index.ts'
import { nopReceiver } from './receivers/nop/index.ts'
import { otlpJsonFileReceiver } from './receivers/otlp-json-file/index.ts'
import { otlpReceiver } from './receivers/otlp/index.ts'
import { zipkinReceiver } from './receivers/zipkin/index.ts'

export const builtinFactories: readonly Factory[] = [
  otlpReceiver,
  otlpJsonFileReceiver,
  jaegerReceiver,
  zipkinReceiver,
  kafkaReceiver,
  nopReceiver,
  batchProcessor,
  filterProcessor,
  memoryLimiterProcessor,
  attributesProcessor,
  resourceProcessor,
  resourceDetectionProcessor,
  spanProcessor,
  redactionProcessor,
  probabilisticSamplerProcessor,
  tailSamplingProcessor,
  groupByTraceProcessor,
  nopProcessor,
  transformProcessor,
  otlpGrpcExporter,
  otlpHttpExporter,
  createLoadBalancingExporter(otlpGrpcExporter),
  debugExporter,
  fileExporter,
  prometheusExporter,
  zipkinExporter,
  kafkaExporter,
  nopExporter,
  forwardConnector,
  nopConnector,
  spanMetricsConnector,
  countConnector,
  routingConnector,
  exceptionsConnector,
  serviceGraphConnector,
  healthCheckExtension,
  fileStorageExtension,
  basicAuthExtension,
  bearerTokenAuthExtension,
  pprofExtension,
  zpagesExtension,
  nopExtension,
]
