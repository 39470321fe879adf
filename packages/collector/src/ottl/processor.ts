/** What the processors that run statements have in common. */
import type { Signal, TelemetryBatch, Visitor } from '@spoor/otlp'
import {
  CollectorError,
  createLogLimiter,
  EMPTY_CONTEXT,
  type Component,
  type Consumer,
  type Context,
  type Counter,
} from '../component/index.ts'
import { createChangingProcessor, editBatch } from '../processor-helper/index.ts'
import type { Item } from './node.ts'
import type { ErrorMode, FailureListener } from './statements.ts'

const LOG_INTERVAL_MS = 10_000

/** What hears of failures in a processor under each error mode. */
export function failureListeners(context: Context, signal: Signal, what: string): (mode: ErrorMode) => FailureListener {
  const labels = { processor: context.id, otel_signal: signal }
  return listenersWith(context, context.counters.counter('spoor_processor_failed_statements', labels), what)
}

/** Failures are counted, and told or handed back as the mode says. */
export function listenersWith(context: Context, failed: Counter, what: string): (mode: ErrorMode) => FailureListener {
  const log = createLogLimiter(context.logger, LOG_INTERVAL_MS)
  return (mode) => (statement, error) => {
    failed.value++
    if (mode === 'propagate')
      throw new CollectorError('invalid_data', `${context.id}: ${what} ${statement}: ${error.message}`, {
        cause: error,
      })
    if (mode === 'ignore')
      log.warn(statement, { component: context.id, statement, error: error.message }, `Failed to run a ${what}.`)
  }
}

export interface EditOptions<S extends Signal> {
  /** One after the other, each over all that the one before left. */
  readonly visitors: readonly Visitor<S>[]
  /** What the visitors show statements; it is told what is known of each batch's request. */
  readonly item?: Item
  /** Whether items are dropped, which are counted then; the reason. Undefined: none are. */
  readonly drops?: string
}

/** Edits each batch on its bytes. What nothing is left of ends here. */
export function createEditor<S extends Signal>(
  context: Context,
  signal: S,
  next: Consumer,
  { visitors, item, drops }: EditOptions<S>,
): Component & Consumer {
  const labels = { processor: context.id, otel_signal: signal }
  const dropped =
    drops === undefined
      ? undefined
      : context.counters.counter('otelcol_processor_dropped_items', { ...labels, reason: drops })
  return createChangingProcessor(next, (batch, delivery) => {
    let edited: TelemetryBatch | undefined = batch
    if (item) item.delivery = delivery
    try {
      for (const visitor of visitors) edited = edited && editBatch(signal, edited, visitor, dropped !== undefined)
    } finally {
      // Nobody is kept from being collected.
      if (item) item.delivery = EMPTY_CONTEXT
    }
    if (dropped) dropped.value += batch.items - (edited?.items ?? 0)
    return edited
  })
}
