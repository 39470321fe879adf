/** The config of the `prometheus` exporter; keys and defaults as in the OpenTelemetry Collector's prometheusexporter. */
import { z } from 'zod'
import { durationMs, listenEndpoint, section } from '../../component/index.ts'
import { sendingQueueConfig } from '../../exporter-helper/index.ts'
import { httpEndpointKeys } from '../../extension-helper/index.ts'

const STRATEGIES = [
  'UnderscoreEscapingWithSuffixes',
  'UnderscoreEscapingWithoutSuffixes',
  'NoUTF8EscapingWithSuffixes',
  'NoTranslation',
] as const

export const prometheusConfig = section({
  ...httpEndpointKeys(''),
  endpoint: listenEndpoint.describe('Where it listens, as `localhost:8889`; the metrics are at `/metrics`.'),
  namespace: z.string().default('').describe('What the names of all metrics begin with, before `_`.'),
  const_labels: z.record(z.string(), z.string()).default({}).describe('Labels of every series.'),
  send_timestamps: z.boolean().default(false).describe('Whether samples have the times of their points.'),
  metric_expiration: durationMs.prefault('5m').describe('After so long without a point a series is forgotten.'),
  enable_open_metrics: z
    .boolean()
    .default(false)
    .describe('Whether those who ask for OpenMetrics get it, with exemplars.'),
  resource_to_telemetry_conversion: section({
    enabled: z
      .boolean()
      .default(false)
      .describe('Whether series have the attributes of their resource, which are in `target_info` else.'),
    exclude_service_attributes: z
      .boolean()
      .default(false)
      .describe(
        'But for `service.name`, `service.namespace` and `service.instance.id`, of which `job` and `instance` are.',
      ),
  }).prefault({}),
  without_scope_info: z
    .boolean()
    .default(false)
    .describe('Whether series have no labels of their scope (`otel_scope_name` and so on).'),
  add_metric_suffixes: z
    .boolean()
    .default(true)
    .describe('Whether names end with the unit and `_total`. Has no effect beside `translation_strategy`.'),
  translation_strategy: z
    .enum(['', ...STRATEGIES], { error: `expected one of ${STRATEGIES.join(', ')}` })
    .default('')
    .describe(
      'How names are made of those that come. Default: by `add_metric_suffixes`, with `_` for what Prometheus had not known.',
    ),
  sending_queue: sendingQueueConfig.optional().describe('A queue before it. Default: none.'),
})

export type PrometheusConfig = z.infer<typeof prometheusConfig>
