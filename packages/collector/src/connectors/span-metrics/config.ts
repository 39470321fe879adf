/** The config of the `span_metrics` connector; keys and defaults as in the OpenTelemetry Collector's spanmetricsconnector. */
import { z } from 'zod'
import { count, durationMs, section, stringList, withoutEffect, wordKey } from '../../component/index.ts'
import { dimensionKey, dimensionProblems } from '../../connector-helper/index.ts'

/** What every metric has. */
export const USUAL = ['service.name', 'span.name', 'span.kind', 'status.code', 'collector.instance.id'] as const

/** Milliseconds. */
export const USUAL_BUCKETS: readonly number[] = [
  2, 4, 6, 8, 10, 50, 100, 200, 400, 800, 1000, 1400, 2000, 5000, 10_000, 15_000,
]

/** A section that is off when it is absent or has no value, and on when it has one; with `enabled: false` it is off, too. */
function optional<T extends z.ZodType>(schema: T) {
  return z.preprocess((input) => {
    if (typeof input !== 'object' || input === null || !('enabled' in input)) return input ?? undefined
    const { enabled, ...rest } = input as Record<string, unknown>
    if (enabled === true) return rest
    return enabled === false ? undefined : input
  }, schema.optional())
}

const dimensions = z.array(dimensionKey).default([])
const expiration = durationMs.prefault('0s')

export const spanMetricsConfig = section({
  histogram: section({
    disable: z.boolean().default(false).describe('Whether there is no `duration`.'),
    unit: wordKey('unit', ['ms', 's']).default('ms').describe('What durations are counted in: `ms` or `s`.'),
    explicit: optional(
      section({ buckets: z.array(durationMs).default([]).describe('Upper bounds of the buckets, as `100ms`.') }),
    ).describe(`Buckets with bounds of your own. Default: ${USUAL_BUCKETS.join(', ')} ms.`),
    exponential: optional(
      section({
        max_size: z.int().default(160).describe('Buckets that a histogram has at most, 2 to 16384. 0: 160.'),
      }),
    ).describe('Instead of `explicit`: buckets that grow exponentially, as fine as fits.'),
    dimensions: dimensions.describe('More attributes of `duration`.'),
  }).prefault({}),
  dimensions: dimensions.describe(
    `Attributes of spans or resources that the metrics have besides ${USUAL.map((name) => `\`${name}\``).join(', ')}.`,
  ),
  calls_dimensions: dimensions.describe('More attributes of `calls`.'),
  exclude_dimensions: stringList
    .default([])
    .describe('Those of the attributes which every metric has that are left out.'),
  include_instrumentation_scope: stringList
    .default([])
    .describe(
      'Names of scopes: the metrics of their spans have `span.instrumentation.scope.name` and `span.instrumentation.scope.version`.',
    ),
  aggregation_temporality: z
    .enum(['AGGREGATION_TEMPORALITY_CUMULATIVE', 'AGGREGATION_TEMPORALITY_DELTA'], {
      error: 'expected AGGREGATION_TEMPORALITY_CUMULATIVE or AGGREGATION_TEMPORALITY_DELTA',
    })
    .default('AGGREGATION_TEMPORALITY_CUMULATIVE')
    .describe(
      '`AGGREGATION_TEMPORALITY_CUMULATIVE`, from the start of a series on, or `AGGREGATION_TEMPORALITY_DELTA`, since the last time.',
    ),
  namespace: z
    .string()
    .default('traces.span.metrics')
    .describe('What the names of the metrics begin with, before a point: `calls`, `duration`, `events`.'),
  metrics_flush_interval: durationMs
    .prefault('60s')
    .refine((ms) => ms > 0, { error: 'expected more than 0' })
    .describe('How often the metrics are handed on. Not at a stop, as in the Collector.'),
  metrics_expiration: expiration.describe(
    'After so long without a span of a resource its metrics are not handed on any more. 0: never.',
  ),
  series_expiration: expiration.describe('The same for one series. 0: never.'),
  metric_timestamp_cache_size: z
    .int()
    .default(1000)
    .describe(
      'Delta: series of which is remembered until when they were counted, so that the next point begins there.',
    ),
  resource_metrics_cache_size: z
    .int({ error: 'expected a whole number' })
    .min(1)
    .default(1000)
    .describe('Resources whose metrics are kept. Of more, the one without spans for the longest time is forgotten.'),
  resource_metrics_key_attributes: stringList
    .default([])
    .describe('The attributes by which resources are told apart. Default: all.'),
  aggregation_cardinality_limit: count
    .default(0)
    .describe(
      'Series that a metric of a resource has at most. Spans of others are counted in one with `otel.metric.overflow`. 0: no limit, but that of 200000 series altogether.',
    ),
  exemplars: section({
    enabled: z.boolean().default(false).describe('Whether points name some of the spans that they count.'),
    max_per_data_point: z.int().default(5).describe('So many of them at most.'),
  }).prefault({}),
  events: section({
    enabled: z.boolean().default(false).describe('Whether there is `events`, which counts the events of spans.'),
    dimensions: dimensions.describe(
      'More attributes of `events`, of events, spans or resources; needed where it is enabled.',
    ),
  }).prefault({}),
  enable_metrics_sampling_method: z
    .boolean()
    .default(false)
    .describe(
      'Whether metrics have `sampling.method`: `extrapolated` from what the trace state says about sampling, or `counted`.',
    ),
  add_resource_attributes: withoutEffect(
    z.boolean().default(false),
    'metrics have the attributes of their resource, as in the Collector without its feature gate excludeResourceMetrics',
  ),
  dimensions_cache_size: withoutEffect(z.int().default(0), 'write aggregation_cardinality_limit'),
}).superRefine((config, context) => {
  const lists = [
    [config.dimensions, ['dimensions']],
    [config.calls_dimensions, ['calls_dimensions']],
    [config.histogram.dimensions, ['histogram', 'dimensions']],
    [config.events.enabled ? config.events.dimensions : [], ['events', 'dimensions']],
  ] as const
  const fail = (message: string, path: PropertyKey[]): void => context.addIssue({ code: 'custom', message, path })
  for (const [list, path] of lists)
    for (const issue of dimensionProblems(list, USUAL, path)) fail(issue.message, [...issue.path])
  if (config.events.enabled && config.events.dimensions.length === 0)
    fail('no dimensions configured for events; name the attributes of events that are counted', ['events'])
  if (config.histogram.explicit && config.histogram.exponential)
    fail('use either explicit or exponential; remove one of them', ['histogram'])
  if (isDelta(config) && config.metric_timestamp_cache_size <= 0)
    fail('expected more than 0 with AGGREGATION_TEMPORALITY_DELTA', ['metric_timestamp_cache_size'])
  if (config.exemplars.enabled && config.exemplars.max_per_data_point < 0)
    fail('expected 0 or more', ['exemplars', 'max_per_data_point'])
})

export type SpanMetricsConfig = z.infer<typeof spanMetricsConfig>

export function isDelta({
  aggregation_temporality: temporality,
}: {
  readonly aggregation_temporality: string
}): boolean {
  return temporality === 'AGGREGATION_TEMPORALITY_DELTA'
}
