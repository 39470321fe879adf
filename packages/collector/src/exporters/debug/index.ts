/** Shows what comes by, on the log or on standard output. */
import {
  columnsOf,
  decodeTraces,
  joinBytes,
  requestToJson,
  resourceParts,
  type Signal,
  type TelemetryBatch,
} from '@spoor/otlp'
import type { Context, ExporterFactory } from '../../component/index.ts'
import { createExporter, NO_QUEUE, NO_RETRY, type Sender, type SendResult } from '../../exporter-helper/index.ts'
import { SIGNALS } from '../../otlp-protocol/services.ts'
import { debugConfig, type DebugConfig } from './config.ts'
import { detailedLogs, normalLogs } from './logs-text.ts'
import { detailedMetrics, normalMetrics } from './metrics-text.ts'
import { Output } from './output.ts'
import { detailedText, normalText } from './traces-text.ts'

export const debugExporter: ExporterFactory<DebugConfig> = {
  kind: 'exporter',
  type: 'debug',
  config: debugConfig,
  signals: SIGNALS,
  create: (context, config) =>
    createExporter(
      context,
      { queue: config.sending_queue ?? NO_QUEUE, retry: NO_RETRY, timeoutMs: 0 },
      new DebugSender(context, config),
    ),
}

const TITLES = { traces: 'Traces', metrics: 'Metrics', logs: 'Logs' } as const
const SHOWN: SendResult = { rejected: 0, message: '', isWritten: true }

class DebugSender implements Sender {
  readonly #context: Context
  readonly #config: DebugConfig
  readonly #output: Output | undefined
  #second = 0
  #seen = 0

  constructor(context: Context, config: DebugConfig) {
    this.#context = context
    this.#config = config
    if (!config.use_internal_logger) this.#output = new Output(config.output_paths ?? ['stdout'])
  }

  async start(): Promise<void> {
    this.#output?.open()
  }

  async send(batch: TelemetryBatch): Promise<SendResult> {
    if (!this.#sampled()) return SHOWN
    const title = TITLES[batch.signal]
    const text = this.#text(batch)
    if (this.#output) {
      this.#output.write(`${title} ${JSON.stringify(figures(batch))}\n${text === undefined ? '' : `${text}\n`}`)
      return SHOWN
    }
    const { id, logger } = this.#context
    const fields = { component: id, ...figures(batch), ...(text !== undefined && { text }) }
    if (logger.print) logger.print(fields, title)
    else logger.info(fields, title)
    return SHOWN
  }

  async close(): Promise<void> {
    this.#output?.close()
  }

  #text({ signal, chunks }: TelemetryBatch): string | undefined {
    const { verbosity } = this.#config
    if (verbosity === 'basic') return undefined
    const bytes = joinBytes(chunks.map((chunk) => chunk.bytes))
    const isNormal = verbosity === 'normal'
    if (signal === 'traces') return (isNormal ? normalText : detailedText)(decodeTraces(bytes))
    const json = requestToJson(signal, bytes)
    return signal === 'metrics'
      ? (isNormal ? normalMetrics : detailedMetrics)(json)
      : (isNormal ? normalLogs : detailedLogs)(json)
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

const COUNTED: Readonly<Record<Signal, readonly [string, string]>> = {
  traces: ['resource spans', 'spans'],
  metrics: ['resource metrics', 'data points'],
  logs: ['resource logs', 'log records'],
}

function figures({ signal, chunks, items, byteLength }: TelemetryBatch): Record<string, number> {
  const [resources, what] = COUNTED[signal]
  const count = chunks.reduce((sum, chunk) => sum + resourcesIn(signal, chunk), 0)
  return { [resources]: count, [what]: items, bytes: byteLength }
}

/** Those of spans are in the columns, which are there for others, too. */
function resourcesIn(signal: Signal, chunk: TelemetryBatch['chunks'][number]): number {
  if (signal !== 'traces') return resourceParts(chunk.bytes).length
  const { count, resourceStart } = columnsOf(chunk)
  let resources = 0
  for (let row = 0; row < count; row++) if (row === 0 || resourceStart[row] !== resourceStart[row - 1]) resources++
  return resources
}
