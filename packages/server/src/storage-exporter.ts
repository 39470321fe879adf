import {
  CollectorError,
  type CollectorErrorCode,
  type Component,
  type Consumer,
  type ExporterFactory,
} from '@spoor/collector'
import { freeMemory, type TelemetryBatch } from '@spoor/otlp'
import { StorageError, type StorageErrorCode, type TraceStore } from '@spoor/storage'
import { NamedStore } from './named-store.ts'

/** Spans count as refused for so long after the last refusal. Milliseconds. */
const REFUSING_MS = 30_000

/** Whether spans are taken, as the receivers' budget for bytes in flight and the exporter to the store saw it last. */
export interface Intake {
  /** Why spans are refused; undefined while they are taken, and when none have come for half a minute. */
  readonly refusing: string | undefined
  /** Milliseconds since the first refusal of those that nothing was taken between; 0 while nothing is refused. */
  readonly refusingForMs: number
  refused(reason: string): void
  taken(): void
}

/** `now`: milliseconds on a clock that only goes forward. */
export function createIntake(now: () => number = () => performance.now()): Intake {
  let last: { reason: string; at: number; since: number } | undefined
  const current = () => (last && now() - last.at < REFUSING_MS ? last : undefined)
  return {
    get refusing() {
      return current()?.reason
    },
    get refusingForMs() {
      const refusal = current()
      return refusal ? now() - refusal.since : 0
    },
    refused(reason) {
      const at = now()
      last = { reason, at, since: current()?.since ?? at }
    },
    taken() {
      last = undefined
    },
  }
}

const CODES: Readonly<Record<StorageErrorCode, CollectorErrorCode>> = {
  overloaded: 'overloaded',
  disk_full: 'unavailable',
  io: 'unavailable',
  closed: 'unavailable',
  locked: 'unavailable',
  timeout: 'unavailable',
  cancelled: 'unavailable',
  newer_format: 'internal',
  read_only: 'internal',
  corrupt: 'internal',
  bad_query: 'internal',
}

/** What a configuration may say of the exporter. */
interface StorageExporterConfig {
  /** `clickhouse://user@host:8123/database`. Default: the data directory. */
  readonly store?: string
}

/**
 * `spoor_storage`: the exporter at the end of a pipeline that stores traces in Spoor itself. It has no queue, and of settings the address of the store
 * alone, which is heard of by `named`: `consume` resolves when the spans are durable, so that the answer to an OTLP sender means that they are
 * stored. A store that cannot take them now is a retryable error, and the sender keeps them. `onBatch` sees each before it is stored.
 */
export function storageExporterFactory(
  store: () => TraceStore,
  intake: Intake,
  {
    onBatch,
    named = new NamedStore(),
  }: { readonly onBatch?: (batch: TelemetryBatch) => void; readonly named?: NamedStore } = {},
): ExporterFactory<StorageExporterConfig> {
  return {
    kind: 'exporter',
    type: 'spoor_storage',
    signals: ['traces'],
    config: {
      safeParse(input) {
        const { store, ...others } = (input ?? {}) as StorageExporterConfig
        const issues = Object.keys(others).map((key) => ({
          path: [key],
          message: 'spoor_storage has no other setting than store: remove it',
        }))
        const problem = named.read(store)
        if (problem !== undefined) issues.push({ path: ['store'], message: problem })
        return issues.length > 0
          ? { success: false, error: { issues } }
          : { success: true, data: store ? { store } : {} }
      },
    },
    create({ id, counters, report }): Component & Consumer {
      const sent = counters.counter('otelcol_exporter_sent_spans', { exporter: id })
      const failed = counters.counter('otelcol_exporter_send_failed_spans', { exporter: id })
      return {
        durable: true,
        releases: true,
        async start() {},
        async shutdown() {},
        async consume(batch) {
          onBatch?.(batch)
          try {
            await store().append(batch)
          } catch (error) {
            failed.value += batch.items
            const mapped = toCollectorError(error)
            intake.refused(mapped.message)
            report(mapped.retryable ? 'recoverable_error' : 'permanent_error', mapped.message)
            throw mapped
          }
          freeMemory(batch)
          sent.value += batch.items
          intake.taken()
          report('ok')
        },
      }
    },
  }
}

function toCollectorError(error: unknown): CollectorError {
  if (!(error instanceof StorageError)) {
    return new CollectorError('internal', `the store failed: ${(error as Error).message}`, { cause: error })
  }
  const retryable = error.retryable || error.code === 'closed' || error.code === 'locked'
  return new CollectorError(CODES[error.code], error.message, { retryable, cause: error })
}
