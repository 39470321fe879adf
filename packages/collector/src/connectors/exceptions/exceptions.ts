import { createBatch, type Signal } from '@spoor/otlp'
import {
  createLogLimiter,
  toCollectorError,
  type Component,
  type Consumer,
  type Context,
  type Counter,
  type LogLimiter,
} from '../../component/index.ts'
import { MetricsOut } from '../../connector-helper/index.ts'
import { text } from '../../processor-helper/index.ts'
import type { ExceptionsConfig } from './config.ts'
import { ExceptionCounts } from './counts.ts'
import { findExceptions, type Dimension } from './find.ts'
import { exceptionLogs } from './logs.ts'

const LOG_INTERVAL_MS = 10_000

export class ExceptionsConnector implements Component, Consumer {
  readonly #id: string
  readonly #dimensions: readonly Dimension[]
  readonly #counts: ExceptionCounts
  readonly #metrics: MetricsOut | undefined
  readonly #logs: Consumer | undefined
  readonly #overflowed: Counter
  readonly #log: LogLimiter

  constructor(context: Context, config: ExceptionsConfig, next: ReadonlyMap<Signal, Consumer>) {
    const { id, counters, logger } = context
    const labels = { connector: id }
    this.#id = id
    this.#dimensions = config.dimensions.map(({ name, default: usual }) => ({
      name,
      usual: usual === undefined ? undefined : text(usual),
    }))
    this.#counts = new ExceptionCounts(this.#dimensions, config.exemplars.enabled, Date.now())
    const metrics = next.get('metrics')
    const lost = 'Metrics of exceptions were lost; what they count is in the next ones.'
    this.#metrics = metrics && new MetricsOut(context, metrics, lost)
    this.#logs = next.get('logs')
    this.#overflowed = counters.counter('spoor_connector_overflowed_spans', labels)
    this.#log = createLogLimiter(logger, LOG_INTERVAL_MS)
    counters.gauge('spoor_connector_series', labels, () => this.#counts.size)
  }

  async start(): Promise<void> {}

  readonly consume: Consumer['consume'] = async (batch, context) => {
    let found
    let logs: Uint8Array | undefined
    try {
      found = findExceptions(batch)
      if (this.#logs && found.length > 0) logs = exceptionLogs(found, this.#dimensions)
    } catch (error) {
      throw toCollectorError(error)
    }
    const items = found.reduce((sum, { exceptions }) => sum + exceptions.length, 0)
    // Before they are counted: what is refused comes again.
    if (logs) await this.#logs!.consume(createBatch('logs', [{ bytes: logs, items }]), context)
    if (!this.#metrics) return
    for (const { exceptions } of found)
      for (const exception of exceptions) if (!this.#counts.add(exception)) this.#overflow()
    // The batch is counted: its sender must not send it again, whatever becomes of them.
    await this.#metrics.send(this.#counts.encode(Date.now()), context)
  }

  async shutdown(): Promise<void> {}

  finish(): void {
    this.#metrics?.drops.close()
  }

  #overflow(): void {
    this.#overflowed.value++
    const message =
      'Exceptions are counted in the series otel.metric.overflow: there are as many others as there may be.'
    this.#log.warn('overflow', { component: this.#id, overflowed: this.#overflowed.value }, message)
  }
}
