/** The accounts of one port and protocol: what is being worked on, and what became of it. */
import { createBatch, giveMemory, ownMemory, type Chunk, type Signal } from '@spoor/otlp'
import {
  CollectorError,
  NO_DOOR,
  signalCounters,
  toCollectorError,
  type Consumer,
  type Context,
  type Counter,
  type LedgerDoor,
  type Peer,
  type PortTraits,
  type RefusalFacts,
  type SenderAccount,
} from '../component/index.ts'
import { Call } from './call.ts'

/** What a port of TCP is named after. */
export type Transport = 'grpc' | 'http'

/** One protocol's way into the pipelines. */
export interface Intake extends LedgerDoor {
  readonly context: Context
  /** What the port is named after, or the protocol of datagrams that come there. */
  readonly transport: string
  /** Requests that are being worked on. */
  readonly active: number
  /** The consumer of a signal; undefined where no pipeline takes it from the receiver. */
  consumer(signal: Signal): Consumer | undefined
  /** Throws `unavailable` once the receiver is shutting down; called before work is put into a request. */
  checkOpen(): void
  /**
   * A new call, with a lease for nothing. `reclaim`: gives its body up, as others need the bytes. `socket`: the one that it came by.
   */
  open(reclaim: () => void, sender: SenderAccount, socket?: Peer): Call
  /** The work on a request begins: it is active until `end`, which each one that has begun calls. Throws as `checkOpen`. */
  begin(): void
  end(): void
  /** Counts a request whose data was taken. */
  succeed(items: number, sender: SenderAccount): void
  /** Resolves when the pipelines have taken the chunk. Rejects with what they throw. */
  hand(signal: Signal, chunk: Chunk, call: Call): Promise<void>
  /**
   * Counts items of a request that this receiver does not hand on, as an id of theirs is not valid, and tells of them; gives what is told. `items`: those
   * that are handed on.
   */
  rejectInvalid(signal: Signal, rejected: number, items: number, problem: string, sender: SenderAccount): string
  /**
   * Accounts for a request that was refused, by whichever stage, and gives back the reason as a {@link CollectorError}.
   * `reason`: what it is counted by, default the error's code. `facts`: what the sender chose, for whoever tells it how to do better.
   */
  refuse(thrown: unknown, sender: SenderAccount, reason?: string, facts?: RefusalFacts): CollectorError
  /** No request is taken from now on. Resolves when the last one that was taken is done. */
  close(): Promise<void>
}

/** `traits`: of the port, for the ledger. */
export function createIntake(
  context: Context,
  transport: string,
  next: ReadonlyMap<Signal, Consumer>,
  traits?: PortTraits,
): Intake {
  const labels = { receiver: context.id, transport }
  const accepted = signalCounters(context.counters, 'otelcol_receiver_accepted', labels)
  const refused = signalCounters(context.counters, 'otelcol_receiver_refused', labels)
  const failed = signalCounters(context.counters, 'otelcol_receiver_failed', labels)
  const invalid = context.counters.counter('spoor_receiver_rejected_spans', { ...labels, reason: 'invalid_id' })
  const requests = (outcome: string): Counter =>
    context.counters.counter('otelcol_receiver_requests', { ...labels, outcome })
  const succeeded = requests('success')
  const door = context.ledger?.door(context.id, transport, traits) ?? NO_DOOR

  let open = true
  let active = 0
  let drained: (() => void) | undefined

  const checkOpen = (): void => {
    if (open) return
    throw new CollectorError('unavailable', `${context.id} is shutting down; try again`, { retryAfterMs: 1000 })
  }

  return {
    context,
    transport,
    get active() {
      return active
    },
    consumer: (signal) => next.get(signal),
    checkOpen,
    sender: (connection, userAgent) => door.sender(connection, userAgent),
    open: (reclaim, sender, socket) => new Call(context.budget, reclaim, sender, socket),
    begin() {
      checkOpen()
      active++
    },
    end() {
      active--
      if (active === 0) drained?.()
    },
    succeed(items, sender) {
      sender.taken(items)
      succeeded.value++
    },
    async hand(signal, chunk, call) {
      const consumer = next.get(signal)
      if (!consumer) throw new CollectorError('unimplemented', `no pipeline takes ${signal} from ${context.id}`)
      ownMemory(chunk)
      if (consumer.releases) giveMemory(chunk)
      try {
        await consumer.consume(createBatch(signal, [chunk]), call)
      } catch (error) {
        const problem = toCollectorError(error)
        // As the collector counts: refused by the pipeline, or failed by a defect of this receiver's own process.
        if (problem.code === 'internal') failed[signal].value += chunk.items
        else refused[signal].value += chunk.items
        throw problem
      } finally {
        call.answered()
      }
      accepted[signal].value += chunk.items
    },
    rejectInvalid(signal, rejected, items, problem, sender) {
      refused[signal].value += rejected
      invalid.value += rejected
      const message = `${rejected} of ${rejected + items} spans were not taken, as an id of theirs is not valid; the first: ${problem}`
      sender.refused('invalid_id', message)
      return message
    },
    refuse(thrown, sender, reason, facts) {
      const error = toCollectorError(thrown)
      requests(reason ?? error.code).value++
      sender.refused(reason ?? error.code, error.message, facts)
      return error
    },
    async close() {
      open = false
      if (active > 0) await new Promise<void>((resolve) => (drained = resolve))
    },
  }
}
