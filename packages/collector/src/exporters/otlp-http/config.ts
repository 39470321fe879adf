/** The config of the `otlp_http` exporter; keys and defaults as in the OpenTelemetry Collector's otlphttpexporter. */
import { z } from 'zod'
import { count, durationMs, headers, middlewares, parsePeer, section, withoutEffect } from '../../component/index.ts'
import {
  checkLevel,
  clientAuth,
  clientTls,
  compressionParams,
  exporterHelperKeys,
} from '../../exporter-helper/index.ts'

const url = z.string().superRefine((text, context) => {
  try {
    if (parsePeer(text).scheme !== undefined) return
    context.addIssue({
      code: 'custom',
      message: `${JSON.stringify(text)}: no scheme; write http://${text} or https://${text}`,
    })
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message })
  }
})

const SOCKETS = "the buffers of sockets are Node's"
const IDLE = 'a connection is kept for each one that was needed, until idle_conn_timeout'
const HTTP1 = 'it speaks HTTP/1.1'

export const otlpHttpConfig = section({
  endpoint: url
    .optional()
    .describe('`http://host:port` or `https://host:port`; `/v1/traces` and so on are added to it.'),
  traces_endpoint: url.optional().describe('The whole URL for one signal, instead of `endpoint`.'),
  metrics_endpoint: url.optional(),
  logs_endpoint: url.optional(),
  profiles_endpoint: withoutEffect(z.string().optional(), 'profiles are not exported'),
  encoding: z.enum(['proto', 'json']).default('proto'),
  timeout: durationMs.prefault('30s').describe('How long one attempt may take. 0: without limit.'),
  compression: z
    .enum(['gzip', 'zstd', 'snappy', 'x-snappy-framed', 'zlib', 'deflate', 'lz4', 'none', ''])
    .default('gzip'),
  compression_params: compressionParams.prefault({}),
  tls: clientTls.prefault({}),
  headers: headers.default({}),
  auth: clientAuth.optional(),
  middlewares,
  max_conns_per_host: count.default(0).describe('Connections to one host. 0: as many as the queue has consumers.'),
  proxy_url: url.optional().describe('An HTTP proxy that all requests go through, as `http://proxy:3128`.'),
  disable_keep_alives: z.boolean().default(false).describe('Whether each request has a connection of its own.'),
  idle_conn_timeout: durationMs.prefault('90s').describe('How long a connection without a request stays open.'),
  keepalive: section({
    enabled: z.boolean().default(true),
    idle_conn_timeout: durationMs.prefault('90s'),
    max_idle_conns: withoutEffect(count.optional(), IDLE),
    max_idle_conns_per_host: withoutEffect(count.optional(), IDLE),
  })
    .optional()
    .describe('The newer form of `disable_keep_alives` and `idle_conn_timeout`, which do not hold beside it.'),
  cookies: withoutEffect(z.unknown().optional(), 'what the peer wants to be kept is not kept'),
  max_idle_conns: withoutEffect(count.optional(), IDLE),
  max_idle_conns_per_host: withoutEffect(count.optional(), IDLE),
  read_buffer_size: withoutEffect(count.optional(), SOCKETS),
  write_buffer_size: withoutEffect(count.optional(), SOCKETS),
  force_attempt_http2: withoutEffect(z.boolean().optional(), HTTP1),
  http2_read_idle_timeout: withoutEffect(z.unknown().optional(), HTTP1),
  http2_ping_timeout: withoutEffect(z.unknown().optional(), HTTP1),
  ...exporterHelperKeys,
})
  .refine(
    (config) =>
      [config.endpoint, config.traces_endpoint, config.metrics_endpoint, config.logs_endpoint].some(
        (value) => value !== undefined,
      ),
    { message: 'requires an endpoint; write endpoint: http://host:4318, or traces_endpoint with the whole URL' },
  )
  .superRefine(checkLevel)

export type OtlpHttpConfig = z.infer<typeof otlpHttpConfig>
