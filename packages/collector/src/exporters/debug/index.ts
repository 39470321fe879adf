/** Shows what comes by, on the log or on standard output. */
import { columnsOf, decodeTraces, joinBytes, type TelemetryBatch } from '@spoor/otlp'
import { ITEM_NAMES, type Component, type Consumer, type Context, type ExporterFactory } from '../../component/index.ts'
import { SIGNALS } from '../../otlp-protocol/services.ts'
import { debugConfig, type DebugConfig } from './config.ts'
import { detailedText, normalText } from './text.ts'

export const debugExporter: ExporterFactory<DebugConfig> = {
  kind: 'exporter',
  type: 'debug',
  config: debugConfig,
  signals: SIGNALS,
  create: (context, config) => new DebugExporter(context, config),
}

const TITLES = { traces: 'Traces', metrics: 'Metrics', logs: 'Logs' } as const

class DebugExporter implements Component, Consumer {
  readonly #context: Context
  readonly #config: DebugConfig
  #second = 0
  #seen = 0

  constructor(context: Context, config: DebugConfig) {
    this.#context = context
    this.#config = config
  }

  async start(): Promise<void> {}

  async shutdown(): Promise<void> {}

  async consume(batch: TelemetryBatch): Promise<void> {
    this.#context.counters.counter(`otelcol_exporter_sent_${ITEM_NAMES[batch.signal]}`, {
      exporter: this.#context.id,
    }).value += batch.items
    if (!this.#sampled()) return
    const { verbosity, use_internal_logger: useLogger } = this.#config
    const fields = { component: this.#context.id, ...figures(batch) }
    if (useLogger) this.#context.logger.info(fields, TITLES[batch.signal])
    else process.stdout.write(`${TITLES[batch.signal]} ${JSON.stringify(figures(batch))}\n`)
    // Metrics and logs are opaque bytes here: they have their one line.
    if (verbosity === 'basic' || batch.signal !== 'traces') return
    const data = decodeTraces(joinBytes(batch.chunks.map((chunk) => chunk.bytes)))
    const text = verbosity === 'normal' ? normalText(data) : detailedText(data)
    if (useLogger) this.#context.logger.info({ component: this.#context.id }, text)
    else process.stdout.write(`${text}\n`)
  }

  /** The first few batches of each second, then every so-many-th. */
  #sampled(): boolean {
    const second = Math.floor(performance.now() / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#seen = 0
    }
    const over = this.#seen++ - this.#config.sampling_initial
    return over < 0 || over % this.#config.sampling_thereafter === 0
  }
}

function figures(batch: TelemetryBatch): Record<string, number> {
  if (batch.signal !== 'traces')
    return { [ITEM_NAMES[batch.signal].replace('_', ' ')]: batch.items, bytes: batch.byteLength }
  let resources = 0
  for (const chunk of batch.chunks) {
    const columns = columnsOf(chunk)
    for (let row = 0; row < columns.count; row++) {
      if (row === 0 || columns.resourceStart[row] !== columns.resourceStart[row - 1]) resources++
    }
  }
  return { 'resource spans': resources, spans: batch.items, bytes: batch.byteLength }
}
