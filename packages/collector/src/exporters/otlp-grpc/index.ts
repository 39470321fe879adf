/** Sends OTLP over gRPC. */
import net from 'node:net'
import { connect } from 'node:tls'
import { decodeExportResponse } from '@spoor/otlp'
import {
  announcementTo,
  CollectorError,
  formatHostPort,
  parsePeer,
  rpcMetrics,
  type ClientAuthenticator,
  type Context,
  type Endpoint,
  type ExporterFactory,
  type TlsFiles,
} from '../../component/index.ts'
import {
  clientAuthenticator,
  createExporter,
  encodePayload,
  lowerCaseNames,
  openClientTls,
  type Sender,
  type TlsClientOptions,
} from '../../exporter-helper/index.ts'
import { GRPC_PATHS, SIGNALS } from '../../otlp-protocol/services.ts'
import { GrpcClient } from './client.ts'
import { otlpGrpcConfig, socketOf, type OtlpGrpcConfig } from './config.ts'

export const otlpGrpcExporter: ExporterFactory<OtlpGrpcConfig> = {
  kind: 'exporter',
  type: 'otlp_grpc',
  aliases: ['otlp'],
  config: otlpGrpcConfig,
  signals: SIGNALS,
  create: (context, config) =>
    createExporter(
      context,
      {
        queue: config.sending_queue,
        retry: config.retry_on_failure,
        timeoutMs: config.timeout,
        peer: () => peerOf(config.endpoint),
      },
      createSender(context, config),
    ),
}

/** What gRPC calls snappy is the framed stream, as in the OpenTelemetry Collector. */
const COMPRESSIONS = { '': 'none', none: 'none', gzip: 'gzip', zstd: 'zstd', snappy: 'x-snappy-framed' } as const

function createSender(context: Context, config: OtlpGrpcConfig): Sender {
  const compression = COMPRESSIONS[config.compression]
  let client: GrpcClient | undefined
  let auth: ClientAuthenticator | undefined
  let tls: TlsFiles<TlsClientOptions> | undefined
  return {
    async start(host) {
      auth = clientAuthenticator(host, config.auth)
      if (isSecure(config)) tls = openClientTls(context, config.tls, () => client?.renew())
      const observe = rpcMetrics(context, 'client', peerOf(config.endpoint))
      client = new GrpcClient({ ...clientOptions(config, tls, host.statusAddress), observe })
    },
    async send(batch, signal) {
      if (!client || !auth) throw new CollectorError('internal', `${context.id} was not started`)
      const payload = await encodePayload(batch, compression, config.compression_params)
      const { message, isWritten } = await client.call(GRPC_PATHS[batch.signal], payload, auth.headers(), signal)
      return { ...decodeExportResponse(message), isWritten }
    },
    refresh() {
      tls?.refresh()
    },
    async close() {
      tls?.stop()
      await client?.close()
    },
  }
}

function isSecure({ endpoint, tls }: OtlpGrpcConfig): boolean {
  const scheme = socketOf(endpoint) === undefined ? parsePeer(endpoint).scheme : undefined
  return scheme === undefined ? !tls.insecure : scheme === 'https'
}

/** The labels of what is counted as sent; as the OpenTelemetry Collector has them. */
function peerOf(endpoint: string): Partial<Endpoint> {
  if (socketOf(endpoint) !== undefined) return { server_address: endpoint }
  const { host, port } = parsePeer(endpoint)
  return { server_address: host, server_port: String(port) }
}

/** `tls`: undefined for plain text. */
function clientOptions(
  config: OtlpGrpcConfig,
  tls: TlsFiles<TlsClientOptions> | undefined,
  statusAddress: string | undefined,
): ConstructorParameters<typeof GrpcClient>[0] {
  const path = socketOf(config.endpoint)
  const { host, port } = path === undefined ? parsePeer(config.endpoint) : { host: 'localhost', port: 0 }
  const name = path === undefined ? formatHostPort(host, port) : 'localhost'
  return {
    authority: `${tls ? 'https' : 'http'}://${name}`,
    name: path === undefined ? name : config.endpoint,
    connect: () => ({
      ...tls?.options,
      ...(path !== undefined && { createConnection: () => connectTo(path, tls?.options) }),
    }),
    headers: {
      ...announcementTo(host, statusAddress),
      ...lowerCaseNames(config.headers),
      'user-agent': config.user_agent,
      ...(config.timeout > 0 && { 'grpc-timeout': grpcTimeout(config.timeout) }),
      ...(config.authority !== '' && { ':authority': config.authority }),
    },
    keepalive: config.keepalive,
  }
}

/** At most eight digits, and a unit. Source: grpc/doc/PROTOCOL-HTTP2.md. */
function grpcTimeout(ms: number): string {
  return ms < 1e8 ? `${Math.ceil(ms)}m` : `${Math.min(Math.ceil(ms / 1000), 99_999_999)}S`
}

function connectTo(path: string, options: TlsClientOptions | undefined): net.Socket {
  return options ? connect({ servername: 'localhost', ...options, path, ALPNProtocols: ['h2'] }) : net.connect(path)
}
