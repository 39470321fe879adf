/** The config of the `health_check` extension; keys and defaults as in the OpenTelemetry Collector's. */
import { z } from 'zod'
import { listenEndpoint, section, withoutEffect } from '../../component/index.ts'

const V2 = 'it answers as version 1 does: for the whole collector'

export const healthCheckConfig = section({
  endpoint: listenEndpoint.default('localhost:13133'),
  path: z.string().startsWith('/', { message: 'must start with "/"' }).default('/'),
  response_body: section({
    healthy: z.string().default('').describe('The body with status 200.'),
    unhealthy: z.string().default('').describe('The body with status 503.'),
  })
    .optional()
    .describe('In place of the JSON body.'),
  check_collector_pipeline: withoutEffect(z.unknown().optional(), 'otelcol has given it up; look at the figures'),
  use_v2: withoutEffect(z.boolean().optional(), V2),
  http: withoutEffect(z.unknown().optional(), V2),
  grpc: withoutEffect(z.unknown().optional(), V2),
  component_health: withoutEffect(z.unknown().optional(), V2),
})

export type HealthCheckConfig = z.infer<typeof healthCheckConfig>
