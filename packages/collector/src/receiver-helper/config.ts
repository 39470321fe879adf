/**
 * The config sections of servers that receivers share; keys and defaults as in the OpenTelemetry Collector's confighttp, configgrpc and
 * configtls. Keys that only tune Go's buffers are read and have no effect.
 */
import type { TlsOptions } from 'node:tls'
import { z } from 'zod'
import {
  count,
  durationMs,
  headers,
  parseHostPort,
  extensionId,
  middlewares,
  section,
  readConfigFile,
  stringList,
  tlsKeys,
  tlsOptions,
  tlsProblem,
  withoutEffect,
} from '../component/index.ts'

const CLIENTS_ONLY = 'a server looks at the certificates of clients only, see client_ca_file'

/** TLS of a server. Files are PEM. */
export const serverTls = section({
  ...tlsKeys,
  client_ca_file: z
    .string()
    .optional()
    .describe('Who has signed the certificates of clients: clients must have one then. Without it none is asked for.'),
  client_ca_file_reload: z.boolean().default(false).describe('Whether `client_ca_file` is looked at each second.'),
  ca_file: withoutEffect(z.string().optional(), CLIENTS_ONLY),
  ca_pem: withoutEffect(z.string().optional(), CLIENTS_ONLY),
  include_system_ca_certs_pool: withoutEffect(z.boolean().optional(), CLIENTS_ONLY),
}).superRefine((tls, context) => {
  const problem = tlsProblem(tls)
  if (problem) context.addIssue({ code: 'custom', message: problem.message, path: [problem.key] })
  if ((tls.cert_file ?? tls.cert_pem) !== undefined && (tls.key_file ?? tls.key_pem) !== undefined) return
  const message =
    'TLS configuration must include both certificate and key for server connections; set cert_file and key_file'
  context.addIssue({ code: 'custom', message })
})

const cors = section({
  allowed_origins: stringList
    .default([])
    .describe('Origins that browsers may send from; `*` stands for any run of characters. Empty: CORS is off.'),
  allowed_headers: stringList
    .default([])
    .describe('Request headers beyond the CORS-safe ones that browsers may send; `*`: any.'),
  exposed_headers: stringList.default([]),
  max_age: count
    .default(0)
    .describe("Seconds that a browser may keep a preflight's answer. 0: the header is not sent."),
})

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

/** As `Content-Encoding` has them. */
export const CODING_NAMES = ['', 'gzip', 'zstd', 'zlib', 'snappy', 'deflate', 'lz4', 'x-snappy-framed'] as const

const auth = section({
  authenticator: extensionId('serverAuthenticator').describe(
    'The id of an extension that knows the clients, as `basicauth` or `bearertokenauth`. Others are refused: 401, or UNAUTHENTICATED.',
  ),
  request_params: stringList
    .default([])
    .describe('Parameters of the query that stand for headers of that name where there is none. Over HTTP only.'),
})

const DEFAULT_MAX_BODY_BYTES = 20 * 1024 * 1024
const NETWORKS = ['tcp', 'tcp4', 'tcp6', 'unix'] as const

/** The keys of a port, whatever is spoken there. */
const portKeys = (endpoint: string) => ({
  endpoint: z.string().default(endpoint).describe('`host:port`, or with `transport: unix` the path of a socket.'),
  transport: z.enum(NETWORKS).default('tcp'),
  middlewares,
  tls: serverTls.optional(),
  include_metadata: includeMetadata,
  auth: auth.optional(),
})

/** To be asked of each section with the keys of a port. */
export function checkEndpoint(
  { endpoint, transport }: { readonly endpoint: string; readonly transport: Network },
  context: z.RefinementCtx,
): void {
  const problem = transport === 'unix' ? socketProblem(endpoint) : hostPortProblem(endpoint)
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem, path: ['endpoint'] })
}

function socketProblem(path: string): string | undefined {
  return path.startsWith('/')
    ? undefined
    : `${JSON.stringify(path)}: not the path of a socket; write it from the root, like /run/spoor.sock`
}

function hostPortProblem(endpoint: string): string | undefined {
  try {
    parseHostPort(endpoint)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** The keys of a server that speaks gRPC. `endpoint`: where it listens by default. */
export const grpcServerKeys = (endpoint: string) => ({
  ...portKeys(endpoint),
  max_recv_msg_size_mib: count
    .default(0)
    .describe("Largest message in MiB, after decompression. 0: gRPC's usual 4 MiB."),
  max_concurrent_streams: count
    .default(0)
    .describe(
      'Calls at a time on one connection. 0: 128, so that one connection cannot make the collector hold any number of messages.',
    ),
  read_buffer_size: withoutEffect(count.optional(), BUFFERS),
  write_buffer_size: withoutEffect(count.optional(), BUFFERS),
  keepalive: keepalive.prefault({}),
})

/** To be asked of each section with the keys of a server that speaks HTTP, beside {@link checkEndpoint}. */
export function checkKeepalive(
  config: Pick<HttpServerConfig, 'keepalive' | 'idle_timeout' | 'keep_alives_enabled'>,
  context: z.RefinementCtx,
): void {
  if (!config.keepalive || (config.idle_timeout === 0 && config.keep_alives_enabled)) return
  const message = 'cannot be beside idle_timeout and keep_alives_enabled, which it stands for; remove them'
  context.addIssue({ code: 'custom', message, path: ['keepalive'] })
}

/** The keys of a server that speaks HTTP. */
export const httpServerKeys = (endpoint: string) => ({
  ...portKeys(endpoint),
  cors: cors.optional(),
  max_request_body_size: z
    .preprocess((input) => (typeof input === 'number' && input <= 0 ? DEFAULT_MAX_BODY_BYTES : input), z.int().min(1))
    .default(DEFAULT_MAX_BODY_BYTES)
    .describe('Largest body in bytes, before and after decompression each. 0 or less: the default.'),
  compression_algorithms: z
    .preprocess((input) => (input === null ? undefined : input), z.array(z.enum(CODING_NAMES)))
    .default([...CODING_NAMES])
    .describe('What bodies may be compressed with; empty text is for those that are not.'),
  response_headers: headers.default({}).describe('Headers of each answer.'),
  read_header_timeout: durationMs.prefault(0).describe("When a request's headers have to be there. 0: after 60 s."),
  read_timeout: durationMs.prefault(0).describe('When the whole of a request has to be there. 0: after 5 minutes.'),
  write_timeout: withoutEffect(durationMs.optional(), 'an answer that nobody takes is given up after a minute'),
  idle_timeout: durationMs
    .prefault(0)
    .describe('How long a connection without a request stays open. 0: without limit.'),
  keep_alives_enabled: z
    .boolean()
    .default(true)
    .describe('Whether a connection may be used for more than one request.'),
  keepalive: section({
    enabled: z.boolean().default(true),
    idle_timeout: durationMs.prefault(0),
  })
    .optional()
    .describe('The newer form of `idle_timeout` and `keep_alives_enabled`.'),
})

export type HttpServerConfig = z.infer<z.ZodObject<ReturnType<typeof httpServerKeys>>>
export type ServerTls = z.infer<typeof serverTls>
export type Network = (typeof NETWORKS)[number]
export type CorsConfig = z.infer<typeof cors>
export type AuthConfig = z.infer<typeof auth>
export type Keepalive = z.infer<typeof keepalive>

const MIB = 1024 * 1024
/** What gRPC takes where nothing is said. */
const DEFAULT_MAX_MESSAGE_MIB = 4

/** The largest message in bytes that `max_recv_msg_size_mib` stands for. */
export function maxMessageBytes(mib: number): number {
  return (mib || DEFAULT_MAX_MESSAGE_MIB) * MIB
}

/** Node's options for it, with the files as they are now. Throws an Error that names the key of a file that cannot be read. */
export function serverTlsOptions(config: ServerTls): TlsOptions {
  const options: TlsOptions = tlsOptions(config)
  if (config.client_ca_file === undefined) return options
  const ca = readConfigFile('tls.client_ca_file', config.client_ca_file)
  return { ...options, ca, requestCert: true, rejectUnauthorized: true }
}
