/** The part of the receiver that both protocols share: count, hand on, account for. */
import { countItems, createBatch, type Chunk, type Signal } from '@spoor/otlp'
import {
  CollectorError,
  createLogLimiter,
  signalCounters,
  toCollectorError,
  type Consumer,
  type Context,
  type Counter,
} from '../../component/index.ts'

/**
 * Bytes of messages that may wait for the pipelines at a time, in each protocol. What comes beyond is told to come
 * again.
 */
const MAX_WAITING_BYTES = 256 * 1024 * 1024

/** A sender that is refused hears it at each request; the log tells it once a minute for each kind of reason. */
const LOG_INTERVAL_MS = 60_000

export type Transport = 'grpc' | 'http'

/** One protocol's way into the pipelines. */
export interface Intake {
  /** Whether some pipeline takes this signal from the receiver. */
  has(signal: Signal): boolean
  /** Throws `unavailable` once the receiver is shutting down; called before work is put into a request. */
  checkOpen(): void
  /**
   * Resolves when the pipelines have taken the message, so that the client may forget it. A message without items is
   * taken at once. `compressed`: the same message as the sender compressed it. Rejects with what the pipeline or {@link
   * countItems} throws.
   */
  take(signal: Signal, message: Uint8Array, compressed?: Chunk['compressed']): Promise<void>
  /**
   * Accounts for a request that was refused, by whichever stage, and gives back the reason as a {@link CollectorError}.
   */
  refuse(thrown: unknown): CollectorError
}

export interface IntakeControl {
  /** Requests that are being worked on. */
  readonly active: number
  /** No request is taken from now on. Resolves when the last one that was taken is done. */
  close(): Promise<void>
}

export function createIntake(
  context: Context,
  transport: Transport,
  next: ReadonlyMap<Signal, Consumer>,
  maxWaitingBytes = MAX_WAITING_BYTES,
): Intake & IntakeControl {
  const labels = { receiver: context.id, transport }
  const accepted = signalCounters(context.counters, 'otelcol_receiver_accepted', labels)
  const refused = signalCounters(context.counters, 'otelcol_receiver_refused', labels)
  const failed = signalCounters(context.counters, 'otelcol_receiver_failed', labels)
  const requests = (outcome: string): Counter =>
    context.counters.counter('otelcol_receiver_requests', { ...labels, outcome })
  const succeeded = requests('success')
  const log = createLogLimiter(context.logger, LOG_INTERVAL_MS)

  let open = true
  let active = 0
  let waitingBytes = 0
  let drained: (() => void) | undefined

  const checkOpen = (): void => {
    if (open) return
    throw new CollectorError('unavailable', `${context.id} is shutting down; try again`, { retryAfterMs: 1000 })
  }

  return {
    get active() {
      return active
    },
    has: (signal) => next.has(signal),
    checkOpen,
    async take(signal, message, compressed) {
      checkOpen()
      const items = countItems(signal, message)
      if (items > 0) {
        const consumer = next.get(signal)
        if (!consumer) throw new CollectorError('unimplemented', `no pipeline takes ${signal} from ${context.id}`)
        const chunk = compressed ? { bytes: message, items, compressed } : { bytes: message, items }
        if (active > 0 && waitingBytes + message.length > maxWaitingBytes) {
          refused[signal].value += items
          const text = `${waitingBytes} bytes of requests wait for the pipelines already; try again`
          throw new CollectorError('overloaded', text, { retryAfterMs: 1000 })
        }
        active++
        waitingBytes += message.length
        try {
          await consumer.consume(createBatch(signal, [chunk]))
        } catch (error) {
          const problem = toCollectorError(error)
          // As the collector counts: refused by the pipeline, or failed by a defect of this receiver's own process.
          if (problem.code === 'internal') failed[signal].value += items
          else refused[signal].value += items
          throw problem
        } finally {
          active--
          waitingBytes -= message.length
          if (active === 0) drained?.()
        }
        accepted[signal].value += items
      }
      succeeded.value++
    },
    refuse(thrown) {
      const error = toCollectorError(thrown)
      requests(error.code).value++
      log.warn(error.code, { component: context.id, transport, error: error.message }, 'Refused a request.')
      return error
    },
    async close() {
      open = false
      if (active > 0) await new Promise<void>((resolve) => (drained = resolve))
    },
  }
}
