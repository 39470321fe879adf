/** The config section of clients of HTTP, as the OpenTelemetry Collector's confighttp has it. */
import { z } from 'zod'
import { count, durationMs, headers, middlewares, parsePeer, section, withoutEffect } from '../component/index.ts'
import { clientAuth } from './client-auth.ts'
import { clientTls } from './client-tls.ts'
import { compressionParams } from './compression.ts'

export const httpUrl = z.string().superRefine((text, context) => {
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

/** To be asked of with `checkLevel`. */
export const httpClientKeys = (defaults: { readonly timeout: string; readonly compression: 'gzip' | 'none' }) => ({
  timeout: durationMs.prefault(defaults.timeout).describe('How long one attempt may take. 0: without limit.'),
  compression: z
    .enum(['gzip', 'zstd', 'snappy', 'x-snappy-framed', 'zlib', 'deflate', 'lz4', 'none', ''])
    .default(defaults.compression),
  compression_params: compressionParams.prefault({}),
  tls: clientTls.prefault({}),
  headers: headers.default({}),
  auth: clientAuth.optional(),
  middlewares,
  max_conns_per_host: count.default(0).describe('Connections to one host. 0: as many as the queue has consumers.'),
  proxy_url: httpUrl.optional().describe('An HTTP proxy that all requests go through, as `http://proxy:3128`.'),
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
})

export type HttpClientConfig = z.infer<z.ZodObject<ReturnType<typeof httpClientKeys>>>
