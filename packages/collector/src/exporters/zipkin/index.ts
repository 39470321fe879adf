/** Sends spans to a Zipkin, or what takes the same, as JSON or protobuf of version 2. */
import { createBatch, decodeTraces, type TelemetryBatch } from '@spoor/otlp'
import {
  CollectorError,
  type ClientAuthenticator,
  type Context,
  type ExporterFactory,
  type TlsFiles,
} from '../../component/index.ts'
import {
  clientAuthenticator,
  createExporter,
  createHttpClient,
  encodePayload,
  lowerCaseNames,
  openClientTls,
  type HttpClient,
  type Sender,
  type TlsClientOptions,
} from '../../exporter-helper/index.ts'
import type { ZipkinSpan } from '../../zipkin-helper/index.ts'
import { zipkinExporterConfig, type ZipkinExporterConfig } from './config.ts'
import { fromOtlp } from './from-otlp.ts'
import { spansToJson } from './to-json.ts'
import { spansToProto } from './to-proto.ts'

export const zipkinExporter: ExporterFactory<ZipkinExporterConfig> = {
  kind: 'exporter',
  type: 'zipkin',
  config: zipkinExporterConfig,
  signals: ['traces'],
  create(context, config) {
    const { sending_queue: queue, retry_on_failure: retry, timeout: timeoutMs } = config
    const url = new URL(config.endpoint)
    const peer = { server_address: url.hostname, ...(url.port !== '' && { server_port: url.port }) }
    return createExporter(context, { queue, retry, timeoutMs, peer: () => peer }, createSender(context, config, url))
  },
}

interface Format {
  readonly contentType: string
  readonly write: (spans: readonly ZipkinSpan[]) => Uint8Array
}

const FORMATS: Readonly<Record<ZipkinExporterConfig['format'], Format>> = {
  json: { contentType: 'application/json', write: spansToJson },
  proto: { contentType: 'application/x-protobuf', write: spansToProto },
}
const HINT = 'does this port speak HTTP (Zipkin’s is usually 9411)?'

function createSender(context: Context, config: ZipkinExporterConfig, url: URL): Sender {
  const { format, compression, compression_params: params, default_service_name: defaultService } = config
  const { contentType, write } = FORMATS[format]
  const headers = { 'user-agent': 'spoor-collector', ...lowerCaseNames(config.headers), 'content-type': contentType }
  let client: HttpClient | undefined
  let auth: ClientAuthenticator | undefined
  let tls: TlsFiles<TlsClientOptions> | undefined
  return {
    async start(host) {
      auth = clientAuthenticator(host, config.auth)
      tls = openClientTls(context, config.tls, () => client?.renew())
      client = createHttpClient(config, tls, config.sending_queue.num_consumers, HINT)
    },
    async send(batch, signal) {
      if (!client || !auth) throw new CollectorError('internal', `${context.id} was not started`)
      const bytes = write(spansOf(batch, defaultService))
      const written = createBatch('traces', [{ bytes, items: batch.items }])
      const payload = await encodePayload(written, compression === '' ? 'none' : compression, params)
      const coding: Record<string, string> = payload.coding === undefined ? {} : { 'content-encoding': payload.coding }
      await client.post(url, { ...headers, ...auth.headers(), ...coding }, payload, signal)
      return { rejected: 0, message: '' }
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

function spansOf({ chunks }: TelemetryBatch, defaultService: string): ZipkinSpan[] {
  return chunks.flatMap(({ bytes }) => fromOtlp(decodeTraces(bytes), defaultService))
}
