/** Those who read the metrics: a Prometheus endpoint that others ask, and a sender that sends them by itself. */
import {
  createBudget,
  createCounters,
  createLogLimiter,
  EMPTY_CONTEXT,
  formatHostPort,
  NO_OVERVIEW,
  CollectorError,
  timerMs,
  type Component,
  type Consumer,
  type Context,
  type Counters,
  type Listening,
  type Logger,
} from '../component/index.ts'
import { createHttpEndpoint } from '../extension-helper/index.ts'
import { COLLECTOR_METRICS } from './catalogue.ts'
import type { MetricLevel, PeriodicConfig, PrometheusConfig } from './config.ts'
import { otlpMetrics } from './otlp-metrics.ts'
import { PROMETHEUS_TYPE, prometheusText } from './prometheus.ts'

export interface Reader {
  start(): Promise<void>
  stop(): Promise<void>
  readonly listening?: Listening | undefined
}

export interface ReaderOptions {
  readonly counters: Counters
  readonly logger: Logger
  readonly level: MetricLevel
  readonly resource: Readonly<Record<string, string>>
}

const LOG_INTERVAL_MS = 60_000
/** The last export, at a stop, has so long. Milliseconds. */
const STOP_MS = 2_000

export function createPrometheusReader(config: PrometheusConfig, options: ReaderOptions): Reader {
  const endpoint = formatHostPort(config.host, config.port)
  const server = createHttpEndpoint(endpoint, async (path) => {
    if (path !== '/metrics') return undefined
    const { counters, level, resource } = options
    const body = await prometheusText(counters, { catalogue: COLLECTOR_METRICS, level, names: config, resource })
    return { status: 200, contentType: PROMETHEUS_TYPE, body }
  })
  return {
    get listening() {
      return server.address === '' ? undefined : { protocol: 'metrics', address: server.address }
    },
    async start() {
      try {
        await server.start()
      } catch (error) {
        const wayOut =
          "it serves the collector's own metrics: set another port in service.telemetry.metrics.readers, as [{pull: {exporter: {prometheus: {port: 8889}}}}], or level: none"
        throw new CollectorError('listen', `${(error as Error).message}; ${wayOut}`)
      }
    },
    stop: () => server.stop(),
  }
}

export function createPeriodicReader({ interval, exporter: { otlp } }: PeriodicConfig, options: ReaderOptions): Reader {
  if (!otlp) return { start: async () => {}, stop: async () => {} }
  const { logger } = options
  const log = createLogLimiter(logger, LOG_INTERVAL_MS)
  const id = 'service.telemetry.metrics'
  const startUnixNano = BigInt(Date.now()) * 1_000_000n
  // What it sends itself is not counted among what it tells.
  const context = { id, logger, counters: createCounters(), budget: createBudget(), report: () => {} }
  let exporter: (Component & Consumer) | undefined
  let timer: NodeJS.Timeout | undefined
  let sending: Promise<void> | undefined
  const send = async (): Promise<void> => {
    const batch = otlpMetrics(options.counters, { ...options, catalogue: COLLECTOR_METRICS, startUnixNano })
    if (!batch || !exporter) return
    try {
      await exporter.consume(batch, EMPTY_CONTEXT)
    } catch (error) {
      const message = "The collector's own metrics could not be sent. They are sent again at the next interval."
      log.warn('send', { endpoint: otlp.endpoint, error: (error as Error).message }, message)
    }
  }
  return {
    async start() {
      exporter = await createOtlp(otlp, context)
      await exporter.start({ extension: () => undefined, fail: () => {}, overview: () => NO_OVERVIEW })
      timer = setInterval(() => {
        // One that takes longer than the interval takes the turn of the next.
        sending ??= send().finally(() => (sending = undefined))
      }, timerMs(interval))
    },
    async stop() {
      clearInterval(timer)
      // The last figures, too.
      const last = Promise.resolve(sending).then(send)
      await Promise.race([last, new Promise((resolve) => setTimeout(resolve, STOP_MS).unref())])
      await exporter?.shutdown(AbortSignal.timeout(STOP_MS))
    },
  }
}

type OtlpConfig = NonNullable<PeriodicConfig['exporter']['otlp']>

/** Few send their own metrics: what does that is loaded for who does. */
async function createOtlp(config: OtlpConfig, context: Context): Promise<Component & Consumer> {
  const { protocol, endpoint, headers, insecure, compression, timeout } = config
  const tls = {
    ...(insecure && { insecure }),
    ...(config.certificate !== undefined && { ca_file: config.certificate }),
    ...(config.client_certificate !== undefined && { cert_file: config.client_certificate }),
    ...(config.client_key !== undefined && { key_file: config.client_key }),
  }
  const factory =
    protocol === 'grpc'
      ? (await import('../exporters/otlp-grpc/index.ts')).otlpGrpcExporter
      : (await import('../exporters/otlp-http/index.ts')).otlpHttpExporter
  // An endpoint of the schema is that of the signal, /v1/metrics and all.
  const where = protocol !== 'grpc' && endpoint.endsWith('/v1/metrics') ? { metrics_endpoint: endpoint } : { endpoint }
  const parsed = factory.config.safeParse({
    ...where,
    ...(protocol === 'http/json' && { encoding: 'json' }),
    headers,
    compression,
    tls,
    timeout: `${timeout}ms`,
    sending_queue: { enabled: false },
    retry_on_failure: { enabled: false },
  })
  if (!parsed.success)
    throw new CollectorError('config', `service.telemetry.metrics: ${parsed.error.issues[0]?.message}`)
  return (factory.create as (about: typeof context, config: unknown) => Component & Consumer)(context, parsed.data)
}
