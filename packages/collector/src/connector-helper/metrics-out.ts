/** The way out of a connector that makes metrics of what it has answered for. */
import { createBatch } from '@spoor/otlp'
import {
  aborted,
  createDropLog,
  toCollectorError,
  type Consumer,
  type Context,
  type DeliveryContext,
  type DropLog,
} from '../component/index.ts'

export interface EncodedMetrics {
  readonly bytes: Uint8Array
  readonly points: number
}

/** Hands metrics on. What is refused is lost, counted and told, as nobody would send again what it was made of. */
export class MetricsOut {
  readonly drops: DropLog
  readonly #next: Consumer
  #flushing: Promise<void> | undefined

  /** `message`: what the log says of losses. */
  constructor(context: Context, next: Consumer, message: string) {
    this.#next = next
    this.drops = createDropLog(context, {
      counter: 'spoor_connector_dropped',
      labels: { connector: context.id },
      message,
    })
  }

  /** Does not reject. */
  async send({ bytes, points }: EncodedMetrics, context: DeliveryContext): Promise<void> {
    if (points === 0) return
    try {
      await this.#next.consume(createBatch('metrics', [{ bytes, items: points }]), context)
    } catch (thrown) {
      const { code, message } = toCollectorError(thrown)
      this.drops.add({ signal: 'metrics', items: points, reason: code, error: message })
    }
  }

  /** To be called at each interval: a flush that takes longer is waited for, and is not begun again. */
  tick(flush: () => Promise<void>): void {
    this.#flushing ??= flush().finally(() => (this.#flushing = undefined))
  }

  /** When no flush is under way any more, or the signal aborts. */
  async settle(signal: AbortSignal): Promise<void> {
    if (this.#flushing) await Promise.race([this.#flushing, aborted(signal)])
  }

  /** The end. `spans`: those that are in no metric that was handed on; `error`: why they are not. */
  finish(spans: number, error: string): void {
    if (spans > 0) this.drops.add({ signal: 'traces', items: spans, reason: 'shutdown', error })
    this.drops.close()
  }
}
