/**
 * The config of the `health_check` extension; keys and defaults as in the OpenTelemetry Collector's, of which there are two versions: the
 * one for the whole collector, and with `use_v2` the one that knows pipelines and components.
 */
import { z } from 'zod'
import { durationMs, listenEndpoint, middlewares, section, withoutEffect } from '../../component/index.ts'
import { httpEndpointKeys } from '../../extension-helper/index.ts'

const path = (fallback: string) => z.string().startsWith('/', { message: 'must start with "/"' }).default(fallback)

const PLAIN = 'it is for probes of this machine or cluster, and has no TLS'
const SMALL = 'a question and its answer are a few bytes'

const http = section({
  ...httpEndpointKeys('localhost:13133'),
  endpoint: listenEndpoint.optional().describe('In place of the `endpoint` above.'),
  status: section({
    enabled: z.boolean().default(true),
    path: path('/status').describe('Takes `?pipeline=ID` for one pipeline, and `?verbose` for components.'),
  }).prefault({}),
  config: section({
    enabled: z.boolean().default(false),
    path: path('/config').describe('The configuration as JSON, without its secrets.'),
  }).prefault({}),
})

const grpc = section({
  endpoint: listenEndpoint
    .default('localhost:13132')
    .describe(
      'Where `grpc.health.v1.Health` is; its services are the ids of pipelines, and empty text for all together.',
    ),
  transport: z.literal('tcp').default('tcp'),
  tls: withoutEffect(z.unknown().optional(), PLAIN),
  auth: withoutEffect(z.unknown().optional(), 'health is no secret'),
  middlewares,
  include_metadata: withoutEffect(z.unknown().optional(), SMALL),
  keepalive: withoutEffect(z.unknown().optional(), SMALL),
  max_recv_msg_size_mib: withoutEffect(z.unknown().optional(), SMALL),
  max_concurrent_streams: withoutEffect(z.unknown().optional(), SMALL),
  read_buffer_size: withoutEffect(z.unknown().optional(), SMALL),
  write_buffer_size: withoutEffect(z.unknown().optional(), SMALL),
})

const componentHealth = section({
  include_permanent_errors: z
    .boolean()
    .default(false)
    .describe('Answers 500 while a component has an error that it cannot recover from.'),
  include_recoverable_errors: z
    .boolean()
    .default(false)
    .describe('Answers 500 while a component has had an error for `recovery_duration`, though it may yet recover.'),
  recovery_duration: durationMs.prefault('5m'),
})

export const healthCheckConfig = section(
  {
    ...httpEndpointKeys('localhost:13133'),
    path: path('/'),
    response_body: section({
      healthy: z.string().default('').describe('The body with status 200.'),
      unhealthy: z.string().default('').describe('The body with status 503.'),
    })
      .optional()
      .describe('In place of the JSON body.'),
    check_collector_pipeline: withoutEffect(
      z.unknown().optional(),
      'otelcol has given it up; use component_health with use_v2',
    ),
    use_v2: z
      .boolean()
      .default(false)
      .describe(
        'Version 2: `http`, `grpc` and `component_health` hold, `path` and `response_body` do not. `http` or `grpc` stand for it, too.',
      ),
    http: http.optional().describe('Version 2 over HTTP.'),
    grpc: grpc.optional().describe('Version 2 over gRPC. Without `http` beside it health is told over gRPC alone.'),
    component_health: componentHealth.optional().describe('With `use_v2` only.'),
  },
  ['grpc', 'http'],
)

export type HealthCheckConfig = z.infer<typeof healthCheckConfig>
export type ComponentHealth = z.infer<typeof componentHealth>

/** What holds where the sections are not written. */
export const HTTP_DEFAULTS = http.parse({})
export const COMPONENT_HEALTH_DEFAULTS = componentHealth.parse({})
