import { joinBytes, type TelemetryBatch } from '@spoor/otlp'
import type { Component, Consumer, DeliveryContext, ExporterFactory } from '../component/index.ts'
import { section } from '../component/index.ts'
import { SIGNALS } from '../otlp-protocol/services.ts'

/** A consumer that keeps what it is given, and that can be told to refuse or to take its time. */
export interface Sink extends Consumer {
  readonly batches: readonly TelemetryBatch[]
  /** What went with each of them. */
  readonly contexts: readonly DeliveryContext[]
  readonly items: number
  /** All that it was given, as one request. */
  bytes(): Uint8Array
  /** From now on, `consume` does this before it keeps a batch; a throw refuses it. Undefined: takes at once. */
  intercept: ((batch: TelemetryBatch, context: DeliveryContext) => void | Promise<void>) | undefined
  /** Resolves when that many items were kept. */
  waitFor(items: number): Promise<void>
  /** An exporter type of that name which feeds this sink. */
  factory(type?: string): ExporterFactory<object>
}

export function createSink(): Sink {
  const batches: TelemetryBatch[] = []
  const contexts: DeliveryContext[] = []
  const waiting: { items: number; resolve: () => void }[] = []
  const sink: Sink = {
    batches,
    contexts,
    intercept: undefined,
    get items() {
      return batches.reduce((sum, batch) => sum + batch.items, 0)
    },
    bytes: () => joinBytes(batches.flatMap((batch) => batch.chunks.map((chunk) => chunk.bytes))),
    async consume(batch, context) {
      await sink.intercept?.(batch, context)
      batches.push(batch)
      contexts.push(context)
      const items = sink.items
      for (const waiter of waiting.splice(0)) {
        if (waiter.items <= items) waiter.resolve()
        else waiting.push(waiter)
      }
    },
    async waitFor(items) {
      if (sink.items < items) await new Promise<void>((resolve) => waiting.push({ items, resolve }))
    },
    factory(type = 'sink') {
      const exporter: Component & Consumer = {
        start: async () => {},
        shutdown: async () => {},
        consume: (batch, context) => sink.consume(batch, context),
      }
      return { kind: 'exporter', type, config: section({}), signals: SIGNALS, create: () => exporter }
    },
  }
  return sink
}
