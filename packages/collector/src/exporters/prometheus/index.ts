/** Lets a Prometheus scrape metrics. */
import { decodeMetrics, type TelemetryBatch } from '@spoor/otlp'
import {
  createDropLog,
  createLogLimiter,
  portClaims,
  timerMs,
  type Component,
  type Consumer,
  type Context,
  type DropLog,
  type ExporterFactory,
  type Listening,
} from '../../component/index.ts'
import { createExporter, NO_QUEUE, NO_RETRY, type Sender, type SendResult } from '../../exporter-helper/index.ts'
import { createHttpEndpoint, type HttpEndpoint } from '../../extension-helper/index.ts'
import { prometheusConfig, type PrometheusConfig } from './config.ts'
import { familiesOf } from './families.ts'
import { Names } from './names.ts'
import { SeriesStore } from './series.ts'
import { contentType, formatFor, textOf } from './text.ts'

/** Series that are kept, of all metrics. */
const MAX_SERIES = 200_000
const LOG_INTERVAL_MS = 60_000
const TAKEN: SendResult = { rejected: 0, message: '', isWritten: false }

export const prometheusExporter: ExporterFactory<PrometheusConfig> = {
  kind: 'exporter',
  type: 'prometheus',
  config: prometheusConfig,
  signals: ['metrics'],
  create: createPrometheus,
}

function createPrometheus(context: Context, config: PrometheusConfig): Component & Consumer {
  const sender = new PrometheusSender(context, config)
  const claims = portClaims(config.endpoint)
  const options = { queue: config.sending_queue ?? NO_QUEUE, retry: NO_RETRY, timeoutMs: 0, claims }
  const exporter = createExporter(context, options, sender)
  return Object.assign(exporter, { listening: () => sender.listening })
}

class PrometheusSender implements Sender {
  readonly #config: PrometheusConfig
  readonly #store: SeriesStore
  readonly #endpoint: HttpEndpoint
  readonly #drops: DropLog
  #timer: NodeJS.Timeout | undefined

  constructor(context: Context, config: PrometheusConfig) {
    const { id, logger, counters } = context
    this.#config = config
    const labels = { exporter: id }
    this.#drops = createDropLog(context, {
      counter: 'spoor_exporter_dropped',
      labels,
      message: 'Points cannot be shown to a Prometheus.',
    })
    const { resource_to_telemetry_conversion: conversion } = config
    const service = ['service.name', 'service.namespace', 'service.instance.id']
    this.#store = new SeriesStore({
      expirationMs: config.metric_expiration,
      maxSeries: MAX_SERIES,
      shared: (resource) =>
        !conversion.enabled
          ? []
          : resource.filter(({ key }) => !conversion.exclude_service_attributes || !service.includes(key)),
      dropped: (items, reason, error) => this.#drops.add({ signal: 'metrics', items, reason, error }),
    })
    counters.gauge('spoor_exporter_series', labels, () => this.#store.size)
    const names = new Names(config)
    const log = createLogLimiter(logger, LOG_INTERVAL_MS)
    const failed = (metric: string, error: string): void =>
      log.warn(`${metric} ${error}`, { component: id, metric, error }, 'A series cannot be shown to a Prometheus.')
    this.#endpoint = createHttpEndpoint(
      config.endpoint,
      (path, _query, { accept = '' }) => {
        if (path !== '/metrics') return undefined
        const format = formatFor(accept, config.enable_open_metrics)
        const families = familiesOf(this.#store.all(Date.now()), config, names, failed)
        return { status: 200, contentType: contentType(format), body: textOf(families, format) }
      },
      config.tls && { config: config.tls, logger },
    )
  }

  get listening(): readonly Listening[] {
    return this.#endpoint.address === '' ? [] : [{ protocol: 'prometheus', address: this.#endpoint.address }]
  }

  async start(): Promise<void> {
    await this.#endpoint.start()
    const { metric_expiration: expirationMs } = this.#config
    // Where nobody scrapes, too.
    if (expirationMs > 0) this.#timer = setInterval(() => this.#store.expire(Date.now()), timerMs(expirationMs)).unref()
  }

  async send(batch: TelemetryBatch): Promise<SendResult> {
    const now = Date.now()
    for (const { bytes } of batch.chunks) this.#store.add(decodeMetrics(bytes), now)
    return TAKEN
  }

  refresh(): void {
    this.#endpoint.refresh()
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#drops.close()
    await this.#endpoint.stop()
  }
}
