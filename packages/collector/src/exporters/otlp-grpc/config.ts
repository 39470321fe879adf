/** The config of the `otlp_grpc` exporter; keys and defaults as in the OpenTelemetry Collector's otlpexporter. */
import { z } from 'zod'
import { count, durationMs, peerEndpoint, section } from '../../component/index.ts'
import { clientTls, compressionParams, exporterHelperKeys } from '../../exporter-helper/index.ts'

const keepalive = section({
  /** Ping after that long without a sign of life from the peer. */
  time: durationMs.prefault('10s'),
  /** Close the connection when a ping is not answered within this. */
  timeout: durationMs.prefault('10s'),
  /** Ping while no call is under way, too. */
  permit_without_stream: z.boolean().default(false),
})

export const otlpGrpcConfig = section(
  {
    /** `host:port`, or with `http://` for plain text or `https://` for TLS. */
    endpoint: peerEndpoint,
    /** Milliseconds that one attempt may take; 0 for no limit. */
    timeout: durationMs.prefault('5s'),
    compression: z.enum(['gzip', 'none', '']).default('gzip'),
    compression_params: compressionParams.prefault({}),
    /** On unless `insecure: true`. */
    tls: clientTls.prefault({}),
    headers: z.record(z.string(), z.string()).default({}),
    keepalive: keepalive.optional(),
    user_agent: z.string().default('spoor-collector'),
    write_buffer_size: count.optional(),
    balancer_name: z.string().optional(),
    ...exporterHelperKeys,
  },
  ['keepalive'],
)

export type OtlpGrpcConfig = z.infer<typeof otlpGrpcConfig>
