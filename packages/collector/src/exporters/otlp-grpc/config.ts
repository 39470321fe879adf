/** The config of the `otlp_grpc` exporter; keys and defaults as in the OpenTelemetry Collector's otlpexporter. */
import { z } from 'zod'
import { count, durationMs, headers, middlewares, peerEndpoint, section, withoutEffect } from '../../component/index.ts'
import {
  checkLevel,
  clientAuth,
  clientTls,
  compressionParams,
  exporterHelperKeys,
} from '../../exporter-helper/index.ts'

const keepalive = section({
  time: durationMs.prefault('10s').describe('Ping after that long without a sign of life from the peer.'),
  timeout: durationMs.prefault('10s').describe('Close the connection when a ping is not answered within this.'),
  permit_without_stream: z.boolean().default(false).describe('Ping while no call is under way, too.'),
})

/** The path of a socket of this machine that an endpoint names, as gRPC names them; undefined where it names a host. */
export function socketOf(endpoint: string): string | undefined {
  return /^unix:(?:\/\/)?(\/.+)$/.exec(endpoint)?.[1]
}

const grpcEndpoint = z.string().superRefine((text, context) => {
  if (socketOf(text) !== undefined) return
  const problem = peerEndpoint.safeParse(text).error?.issues[0]?.message
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
})

const BUFFERS = "the buffers of sockets are Node's"

export const otlpGrpcConfig = section(
  {
    endpoint: grpcEndpoint.describe(
      '`host:port`, or with `http://` for plain text or `https://` for TLS; or `unix:///path` of a socket of this machine.',
    ),
    timeout: durationMs.prefault('5s').describe('How long one attempt may take. 0: without limit.'),
    compression: z.enum(['gzip', 'zstd', 'snappy', 'none', '']).default('gzip'),
    compression_params: compressionParams.prefault({}),
    tls: clientTls.prefault({}).describe('On unless `insecure: true`.'),
    headers: headers.default({}),
    auth: clientAuth.optional(),
    middlewares,
    keepalive: keepalive.optional(),
    user_agent: z.string().default('spoor-collector'),
    authority: z.string().default('').describe('What calls name as their host, where that is not the endpoint.'),
    read_buffer_size: withoutEffect(count.optional(), BUFFERS),
    write_buffer_size: withoutEffect(count.optional(), BUFFERS),
    wait_for_ready: withoutEffect(
      z.boolean().optional(),
      'a call that finds no connection is tried again, see retry_on_failure',
    ),
    balancer_name: withoutEffect(
      z.enum(['round_robin', 'pick_first']).optional(),
      'there is one connection to the endpoint',
    ),
    ...exporterHelperKeys,
  },
  ['keepalive'],
).superRefine(checkLevel)

export type OtlpGrpcConfig = z.infer<typeof otlpGrpcConfig>
