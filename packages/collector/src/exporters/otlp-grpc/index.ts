/** Sends OTLP over gRPC. */
import { decodeExportResponse } from '@spoor/otlp'
import {
  announcementTo,
  CollectorError,
  parsePeer,
  type ClientAuthenticator,
  type Context,
  type ExporterFactory,
} from '../../component/index.ts'
import {
  clientAuthenticator,
  createExporter,
  encodePayload,
  tlsClientOptions,
  type Sender,
} from '../../exporter-helper/index.ts'
import { GRPC_PATHS, SIGNALS } from '../../otlp-protocol/services.ts'
import { GrpcClient } from './client.ts'
import { otlpGrpcConfig, type OtlpGrpcConfig } from './config.ts'

export const otlpGrpcExporter: ExporterFactory<OtlpGrpcConfig> = {
  kind: 'exporter',
  type: 'otlp_grpc',
  aliases: ['otlp'],
  config: otlpGrpcConfig,
  signals: SIGNALS,
  create: (context, config) =>
    createExporter(
      context,
      { queue: config.sending_queue, retry: config.retry_on_failure, timeoutMs: config.timeout },
      createSender(context, config),
    ),
}

function createSender(context: Context, config: OtlpGrpcConfig): Sender {
  const compression = config.compression === 'gzip' ? 'gzip' : 'none'
  let client: GrpcClient | undefined
  let auth: ClientAuthenticator | undefined
  return {
    async start(host) {
      auth = clientAuthenticator(host, config.auth)
      client = new GrpcClient(clientOptions(context, config, host.statusAddress))
    },
    async send(batch, signal) {
      if (!client || !auth) throw new CollectorError('internal', `${context.id} was not started`)
      const payload = await encodePayload(batch, compression, config.compression_params)
      const { message, isWritten } = await client.call(GRPC_PATHS[batch.signal], payload, auth.headers(), signal)
      return { ...decodeExportResponse(message), isWritten }
    },
    async close() {
      await client?.close()
    },
  }
}

function clientOptions(
  context: Context,
  config: OtlpGrpcConfig,
  statusAddress: string | undefined,
): ConstructorParameters<typeof GrpcClient>[0] {
  const { scheme, host, port } = parsePeer(config.endpoint)
  const secure = scheme === undefined ? !config.tls.insecure : scheme === 'https'
  const name = `${host.includes(':') ? `[${host}]` : host}:${port}`
  try {
    return {
      authority: `${secure ? 'https' : 'http'}://${name}`,
      name,
      connect: secure ? tlsClientOptions(config.tls) : {},
      headers: {
        ...announcementTo(host, statusAddress),
        ...lowerCaseKeys(config.headers),
        'user-agent': config.user_agent,
      },
      keepalive: config.keepalive,
    }
  } catch (error) {
    throw new CollectorError('config', `exporters.${context.id}.${(error as Error).message}`, { cause: error })
  }
}

/** HTTP/2 has lower-case header names only. */
function lowerCaseKeys(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}
