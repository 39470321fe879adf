import type { Signal } from '@spoor/otlp'
import { section, type Component, type Consumer, type ConnectorFactory } from '../../component/index.ts'
import { SIGNALS } from '../../otlp-protocol/services.ts'

/** Hands what the pipelines before it give to those behind it, as it is: joins pipelines of a signal, or parts one. */
export const forwardConnector: ConnectorFactory<object> = {
  kind: 'connector',
  type: 'forward',
  config: section({}),
  signals: new Map(SIGNALS.map((signal) => [signal, [signal]])),
  create: (_context, _config, next) => new Forward(next),
}

class Forward implements Component, Consumer {
  readonly #next: ReadonlyMap<Signal, Consumer>

  constructor(next: ReadonlyMap<Signal, Consumer>) {
    this.#next = next
  }

  /** As far as every pipeline behind it is. */
  get durable(): boolean {
    return [...this.#next.values()].every((next) => next.durable === true)
  }

  async start(): Promise<void> {}

  readonly consume: Consumer['consume'] = (batch, context) => this.#next.get(batch.signal)!.consume(batch, context)

  async shutdown(): Promise<void> {}
}
