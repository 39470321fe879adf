/** Sends spans to a Zipkin, or what takes the same, as JSON or protobuf of version 2. */
import { createBatch, decodeTraces, type TelemetryBatch } from '@spoor/otlp'
import type { Context, ExporterFactory } from '../../component/index.ts'
import { createExporter, HttpConnection, type Sender } from '../../exporter-helper/index.ts'
import { NO_SERVICE, type ZipkinSpan } from '../../zipkin-helper/index.ts'
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
  const { contentType, write } = FORMATS[config.format]
  const connections = config.sending_queue.num_consumers
  const connection = new HttpConnection(context, config, { contentType, connections, hint: HINT })
  return {
    start: async (host) => connection.start(host),
    async send(batch, signal) {
      const bytes = write(spansOf(batch, config.default_service_name ?? NO_SERVICE))
      await connection.post(url, createBatch('traces', [{ bytes, items: batch.items }]), signal)
      return { rejected: 0, message: '' }
    },
    refresh: () => connection.refresh(),
    close: () => connection.close(),
  }
}

function spansOf({ chunks }: TelemetryBatch, defaultService: string): ZipkinSpan[] {
  return chunks.flatMap(({ bytes }) => fromOtlp(decodeTraces(bytes), defaultService))
}
