/**
 * The config of the `otlp` receiver; keys and defaults as in the OpenTelemetry Collector's otlpreceiver. Keys that only
 * tune Go's buffers are read and have no effect.
 */
import { z } from 'zod'
import { count, durationMs, listenEndpoint, section, stringList, withoutEffect } from '../../component/index.ts'
import { HTTP_PATHS } from '../../otlp-protocol/services.ts'

/** TLS of a server. Files are PEM; `client_ca_file` makes client certificates required. */
const serverTls = section({
  cert_file: z.string().optional(),
  key_file: z.string().optional(),
  client_ca_file: z.string().optional(),
  min_version: z.enum(['1.2', '1.3']).default('1.2'),
}).refine((tls) => tls.cert_file !== undefined && tls.key_file !== undefined, {
  message: 'TLS configuration must include both certificate and key for server connections; set cert_file and key_file',
})

const cors = section({
  allowed_origins: stringList
    .default([])
    .describe('Origins that browsers may send from; `*` stands for any run of characters. Empty: CORS is off.'),
  allowed_headers: stringList.default([]).describe('Request headers beyond the CORS-safe ones that browsers may send.'),
  exposed_headers: stringList.default([]),
  max_age: count
    .default(0)
    .describe("Seconds that a browser may keep a preflight's answer. 0: the header is not sent."),
})

const urlPath = z.string().startsWith('/', { message: 'must start with "/"' })

const includeMetadata = z
  .boolean()
  .default(false)
  .describe(
    "Whether the request's headers go with its data through the pipelines, for `metadata_keys` of `batch`. Off: nobody sees them.",
  )
const BUFFERS = "the buffers of sockets are Node's"
const KEPT = 'connections are kept as Node keeps them'

const keepalive = section({
  server_parameters: section({
    max_connection_idle: durationMs
      .prefault('10m')
      .describe(
        'How long a connection without a call stays open; its client opens another when it needs one. 0: without limit.',
      ),
    max_connection_age: withoutEffect(z.unknown().optional(), KEPT),
    max_connection_age_grace: withoutEffect(z.unknown().optional(), KEPT),
    time: withoutEffect(z.unknown().optional(), KEPT),
    timeout: withoutEffect(z.unknown().optional(), KEPT),
  }).prefault({}),
  enforcement_policy: withoutEffect(z.unknown().optional(), KEPT),
})

const grpc = section({
  endpoint: listenEndpoint.default('localhost:4317'),
  transport: z.enum(['tcp']).default('tcp'),
  tls: serverTls.optional(),
  max_recv_msg_size_mib: count
    .default(0)
    .describe("Largest message in MiB, after decompression. 0: gRPC's usual 4 MiB."),
  max_concurrent_streams: count
    .default(0)
    .describe(
      'Calls at a time on one connection. 0: 128, so that one connection cannot make the collector hold any number of messages.',
    ),
  include_metadata: includeMetadata,
  read_buffer_size: withoutEffect(count.optional(), BUFFERS),
  write_buffer_size: withoutEffect(count.optional(), BUFFERS),
  keepalive: keepalive.prefault({}),
})

const http = section({
  endpoint: listenEndpoint.default('localhost:4318'),
  transport: z.enum(['tcp']).default('tcp'),
  tls: serverTls.optional(),
  cors: cors.optional(),
  max_request_body_size: z
    .int()
    .min(1)
    .default(20 * 1024 * 1024)
    .describe('Largest body in bytes, before and after decompression each.'),
  traces_url_path: urlPath.default(HTTP_PATHS.traces),
  metrics_url_path: urlPath.default(HTTP_PATHS.metrics),
  logs_url_path: urlPath.default(HTTP_PATHS.logs),
  include_metadata: includeMetadata,
  idle_timeout: durationMs
    .prefault(0)
    .describe('How long a connection without a request stays open. 0: without limit.'),
})

export const otlpReceiverConfig = section({
  protocols: section({ grpc: grpc.optional(), http: http.optional() }, ['grpc', 'http']),
}).refine(({ protocols }) => protocols.grpc !== undefined || protocols.http !== undefined, {
  message: 'must specify at least one protocol when using the OTLP receiver; write grpc: or http: (or both) in it',
  path: ['protocols'],
})

export type OtlpReceiverConfig = z.infer<typeof otlpReceiverConfig>
export type GrpcConfig = NonNullable<OtlpReceiverConfig['protocols']['grpc']>
export type HttpConfig = NonNullable<OtlpReceiverConfig['protocols']['http']>
export type ServerTls = z.infer<typeof serverTls>

const MIB = 1024 * 1024
/** What gRPC takes where nothing is said. */
export const DEFAULT_MAX_MESSAGE_MIB = 4

/** OTLP/HTTP on the port of gRPC, whose settings hold; browsers are not let in there. */
export function httpBeside(port: GrpcConfig, configured: HttpConfig = http.parse({})): HttpConfig {
  const { endpoint, include_metadata, max_recv_msg_size_mib: mib } = port
  const maxBytes = Math.round((mib || DEFAULT_MAX_MESSAGE_MIB) * MIB)
  return { ...configured, endpoint, include_metadata, cors: undefined, max_request_body_size: maxBytes }
}

/** gRPC on the port of HTTP, whose settings hold. */
export function grpcBeside(port: HttpConfig, configured: GrpcConfig = grpc.parse({})): GrpcConfig {
  const { endpoint, include_metadata, max_request_body_size: maxBytes } = port
  return { ...configured, endpoint, include_metadata, max_recv_msg_size_mib: maxBytes / MIB }
}
