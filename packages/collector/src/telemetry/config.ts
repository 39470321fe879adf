/**
 * The config of `service.telemetry`; keys and defaults as in the OpenTelemetry Collector, whose metrics readers are those of the OpenTelemetry
 * configuration schema.
 */
import { z } from 'zod'
import { count, listenEndpoint, lowerCase, peerEndpoint, section, withoutEffect } from '../component/index.ts'

const NO_SPANS = 'the collector makes no spans of its own'
/** The most talkative first. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const
/** zap's levels above `error`. */
const SEVERE = ['dpanic', 'panic', 'fatal']
/** The least first. */
export const METRIC_LEVELS = ['none', 'basic', 'normal', 'detailed'] as const

export type LogLevel = (typeof LOG_LEVELS)[number]
export type MetricLevel = (typeof METRIC_LEVELS)[number]

const paths = z.array(z.string().min(1))

const logs = section({
  level: z
    .preprocess(
      (input) => (SEVERE.includes(String(lowerCase(input))) ? 'error' : lowerCase(input)),
      z.enum(LOG_LEVELS, { error: `not a level; use ${LOG_LEVELS.join(', ')}` }),
    )
    .default('info')
    .describe('The least that is logged.'),
  encoding: z
    .enum(['console', 'json'])
    .optional()
    .describe('`console`, a line for a person, or `json`. Default: `console` at a terminal, else `json`.'),
  output_paths: paths.optional().describe('`stderr` (the default), `stdout`, or files, which are added to.'),
  initial_fields: z.record(z.string(), z.unknown()).default({}).describe('Fields of every line.'),
  error_output_paths: withoutEffect(paths.optional(), 'errors of the log itself go to standard error'),
  development: withoutEffect(z.boolean().optional(), 'there is one way to log'),
  disable_caller: withoutEffect(z.boolean().optional(), 'lines never name the code that they come from'),
  disable_stacktrace: withoutEffect(z.boolean().optional(), 'only a defect has a stack trace'),
  sampling: withoutEffect(z.unknown().optional(), 'lines that come by the thousand are summed up at their source'),
  processors: withoutEffect(z.array(z.unknown()).optional(), 'logs go to output_paths'),
})

const prometheus = section({
  host: z.string().default('localhost'),
  port: z.int().min(0).max(65535).default(8888),
  without_scope_info: z.boolean().default(true).describe('Whether series have no `otel_scope_name`.'),
  without_units: z.boolean().default(true).describe('Whether names have no unit at their end, as `_seconds`.'),
  without_type_suffix: z.boolean().default(true).describe('Whether counters have no `_total` at their end.'),
  with_resource_constant_labels: withoutEffect(z.unknown().optional(), 'the resource is in `target_info`'),
  translation_strategy: withoutEffect(z.string().optional(), 'names follow without_units and without_type_suffix'),
})

const headers = z.union([
  z.record(z.string(), z.string()),
  z
    .array(z.strictObject({ name: z.string(), value: z.string() }))
    .transform((list) => Object.fromEntries(list.map(({ name, value }) => [name, value]))),
])

const otlp = section({
  protocol: z
    .enum(['http/protobuf', 'http/json', 'grpc'], {
      error: 'not a protocol that is spoken; use http/protobuf, http/json or grpc',
    })
    .describe('`http/protobuf`, `http/json` or `grpc`.'),
  endpoint: peerEndpoint.describe('`http://host:4318` for `http/protobuf`, `host:4317` for `grpc`.'),
  headers: headers.default({}),
  insecure: z.boolean().default(false).describe('Whether `grpc` goes without TLS.'),
  compression: z.enum(['gzip', 'none']).default('none'),
  timeout: count.default(10_000).describe('Milliseconds that one attempt may take.'),
  certificate: z.string().optional().describe('PEM file of the authority that the peer is known by.'),
  client_certificate: z.string().optional(),
  client_key: z.string().optional(),
  temporality_preference: z.enum(['cumulative'], { error: 'only cumulative is sent' }).default('cumulative'),
  default_histogram_aggregation: z
    .enum(['explicit_bucket_histogram'], { error: 'only explicit_bucket_histogram is sent' })
    .default('explicit_bucket_histogram'),
})

const pull = section({
  exporter: section({ prometheus: prometheus.optional() }, ['prometheus']).prefault({}),
})

const periodic = section({
  interval: z.int().min(1).default(60_000).describe('Milliseconds from one export to the next.'),
  timeout: withoutEffect(count.optional(), "an export has its exporter's timeout"),
  exporter: section({
    otlp: otlp.optional(),
    console: withoutEffect(z.unknown().optional(), 'read them at the Prometheus endpoint'),
  }).prefault({}),
})

const reader = section({ pull: pull.optional(), periodic: periodic.optional() }, ['pull']).refine(
  ({ pull: one, periodic: other }) => (one === undefined) !== (other === undefined),
  { message: 'a reader is either pull or periodic' },
)

const PROMETHEUS = { pull: { exporter: { prometheus: {} } } }

const metrics = section({
  level: z
    .preprocess(lowerCase, z.enum(METRIC_LEVELS, { error: `not a level; use ${METRIC_LEVELS.join(', ')}` }))
    .default('normal')
    .describe('How much is told: `none` (nothing is served or sent), `basic`, `normal`, `detailed`.'),
  readers: z
    .array(reader)
    .prefault([PROMETHEUS])
    .describe('Where they can be read, or are sent. Default: Prometheus at localhost:8888/metrics.'),
  address: listenEndpoint.optional().describe('Deprecated: use `readers`.'),
  views: withoutEffect(z.array(z.unknown()).optional(), 'each metric has its buckets and labels'),
})
  .refine(({ level, readers }) => level === 'none' || readers.length > 0, {
    message: 'a metrics reader should exist when level is not none; write one, remove `readers`, or write level: none',
    path: ['readers'],
  })
  .refine(({ level, views }) => level === 'detailed' || views === undefined, {
    message: 'can only be set when level is detailed; remove it, as it has no effect',
    path: ['views'],
  })

const NOT_DETECTED = 'attributes are what is written'
const attributeValue = z.union([z.string(), z.number(), z.boolean(), z.null()])

export const telemetryConfig = section({
  logs: logs.prefault({}),
  metrics: metrics.prefault({}),
  traces: section({
    level: withoutEffect(z.string().optional(), NO_SPANS),
    processors: withoutEffect(z.array(z.unknown()).optional(), NO_SPANS),
    propagators: withoutEffect(z.array(z.string()).optional(), NO_SPANS),
    sampler: withoutEffect(z.unknown().optional(), NO_SPANS),
  }).prefault({}),
  resource: z
    .record(z.string(), z.unknown())
    .default({})
    .pipe(
      z.union([
        z.strictObject({
          attributes: z.array(z.looseObject({ name: z.string(), value: attributeValue })),
          schema_url: z.string().optional(),
          detectors: withoutEffect(z.unknown().optional(), NOT_DETECTED),
          'detection/development': withoutEffect(z.unknown().optional(), NOT_DETECTED),
        }),
        z.record(z.string(), attributeValue),
      ]),
    )
    .transform((input): Readonly<Record<string, unknown>> => {
      const list = input['attributes']
      if (!Array.isArray(list)) return input
      return Object.fromEntries((list as { name: string; value: unknown }[]).map(({ name, value }) => [name, value]))
    })
    .describe('Attributes of the collector itself, in `target_info` and in what is sent. `null` takes one away.'),
})

export type TelemetryConfig = z.infer<typeof telemetryConfig>
export type LogsConfig = TelemetryConfig['logs']
export type PrometheusConfig = z.infer<typeof prometheus>
export type PeriodicConfig = z.infer<typeof periodic>
