/** Sends OTLP over HTTP, as protobuf or JSON. */
import {
  createBatch,
  decodeExportResponse,
  joinBytes,
  requestToJson,
  type Signal,
  type TelemetryBatch,
} from '@spoor/otlp'
import {
  announcementTo,
  CollectorError,
  httpMetrics,
  type Context,
  type ExporterFactory,
} from '../../component/index.ts'
import { createExporter, HttpConnection, type Sender, type SendResult } from '../../exporter-helper/index.ts'
import { HTTP_PATHS, SIGNALS } from '../../otlp-protocol/services.ts'
import { otlpHttpConfig, type OtlpHttpConfig } from './config.ts'

const HINT = 'does this port speak OTLP/HTTP (usually 4318)?'

export const otlpHttpExporter: ExporterFactory<OtlpHttpConfig> = {
  kind: 'exporter',
  type: 'otlp_http',
  aliases: ['otlphttp'],
  config: otlpHttpConfig,
  signals: SIGNALS,
  create: (context, config) =>
    createExporter(
      context,
      {
        queue: config.sending_queue,
        retry: config.retry_on_failure,
        timeoutMs: config.timeout,
        peer: (signal) => peerOf(signalUrl(config, signal)),
      },
      createSender(context, config),
    ),
}

function createSender(context: Context, config: OtlpHttpConfig): Sender {
  const isJson = config.encoding === 'json'
  const connection = new HttpConnection(context, config, {
    contentType: isJson ? 'application/json' : 'application/x-protobuf',
    // Each signal has consumers of its own.
    connections: config.sending_queue.num_consumers * SIGNALS.length,
    hint: HINT,
  })
  const urls = new Map(SIGNALS.map((signal) => [signal, signalUrl(config, signal)]))
  const observers = new Map([...urls].map(([signal, url]) => [signal, url && observer(context, url)]))
  const announcements = new Map<Signal, Readonly<Record<string, string>>>()
  return {
    async start(host) {
      connection.start(host)
      for (const signal of SIGNALS)
        announcements.set(signal, announcementTo(urls.get(signal)?.hostname ?? '', host.statusAddress))
    },
    async send(batch, signal) {
      const url = urls.get(batch.signal)
      if (!url) {
        throw new CollectorError(
          'unimplemented',
          `${context.id} has no endpoint for ${batch.signal}; set endpoint or ${batch.signal}_endpoint`,
        )
      }
      const written = isJson ? asJson(batch) : batch
      const announcement = announcements.get(batch.signal)
      const body = await connection.post(url, written, signal, announcement, observers.get(batch.signal))
      return isJson ? resultFromJson(body) : decodeExportResponse(body)
    },
    refresh: () => connection.refresh(),
    close: () => connection.close(),
  }
}

function signalUrl(config: OtlpHttpConfig, signal: Signal): URL | undefined {
  const whole = config[`${signal}_endpoint`]
  if (whole !== undefined) return new URL(whole)
  return config.endpoint === undefined ? undefined : new URL(config.endpoint.replace(/\/+$/, '') + HTTP_PATHS[signal])
}

/** The labels of what is counted as sent; as the OpenTelemetry Collector has them. */
function peerOf(url: URL | undefined): Readonly<Record<string, string>> {
  if (!url) return {}
  return {
    server_address: url.hostname,
    ...(url.port !== '' && { server_port: url.port }),
    ...(url.pathname !== '' && { url_path: url.pathname }),
  }
}

/** Undefined where nobody asks. */
function observer(context: Context, url: URL) {
  const scheme = url.protocol.slice(0, -1)
  const server = { server_address: url.hostname, server_port: url.port || (scheme === 'https' ? '443' : '80') }
  const tell = httpMetrics(context, 'client', { ...server, url_scheme: scheme })
  if (!tell) return undefined
  return (requestBytes: number) => (outcome: number | string, durationMs: number) =>
    tell({ method: 'POST', outcome, version: '1.1', durationMs, requestBytes })
}

/** The batch as one JSON text in place of its protobuf bytes. */
function asJson(batch: TelemetryBatch): TelemetryBatch {
  const request = requestToJson(batch.signal, joinBytes(batch.chunks.map((chunk) => chunk.bytes)))
  return createBatch(batch.signal, [{ bytes: Buffer.from(JSON.stringify(request)), items: batch.items }])
}

function resultFromJson(body: Uint8Array): SendResult {
  if (body.length === 0) return { rejected: 0, message: '' }
  let partial: Record<string, unknown> = {}
  try {
    const answer = JSON.parse(Buffer.from(body).toString()) as { partialSuccess?: Record<string, unknown> }
    partial = answer.partialSuccess ?? {}
  } catch {
    // A 2xx answer without a readable body: all was taken.
  }
  const rejected = Number(
    partial['rejectedSpans'] ?? partial['rejectedDataPoints'] ?? partial['rejectedLogRecords'] ?? 0,
  )
  const message = partial['errorMessage']
  return { rejected: Number.isFinite(rejected) ? rejected : 0, message: typeof message === 'string' ? message : '' }
}
