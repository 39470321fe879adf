/** The part of the receiver that both protocols share: read the message, hand it on, account for it. */
import type { Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { createBatch, giveMemory, ownMemory, type Chunk, type ExportResponse, type Signal } from '@spoor/otlp'
import {
  CollectorError,
  freeBody,
  NO_DOOR,
  signalCounters,
  toCollectorError,
  type Consumer,
  type Context,
  type Counter,
  type LedgerDoor,
  type SenderAccount,
} from '../../component/index.ts'
import { Call } from './call.ts'
import type { Converter } from './conversion.ts'
import { readMessage, type Encoding, type Message } from '../../otlp-protocol/message.ts'

/** JSON from this size on is converted on another thread: it takes about 15 ms. Bytes. */
const JSON_THREAD_BYTES = 256 * 1024
/** A message from this size on, some milliseconds of work, has a turn of its own. Bytes. */
const LARGE_BYTES = 1024 * 1024
/** Messages and fields of a message that are looked at on this thread: about 10 ms. */
const MOST_WORK = 1_000_000

export type Transport = 'grpc' | 'http'

/** What a client sent, decompressed, in memory of its own. */
export interface Body {
  readonly encoding: Encoding
  readonly bytes: Uint8Array
  /** The same body as the sender compressed it, where it can be passed on so. */
  readonly compressed?: Chunk['compressed']
}

/** One protocol's way into the pipelines. */
export interface Intake extends LedgerDoor {
  /** Whether some pipeline takes this signal from the receiver. */
  has(signal: Signal): boolean
  /** Throws `unavailable` once the receiver is shutting down; called before work is put into a request. */
  checkOpen(): void
  /**
   * A new call, with a lease for nothing. `reclaim`: gives its body up, as others need the bytes. `socket`: the one that it came by.
   */
  open(reclaim: () => void, sender: SenderAccount, socket?: Socket): Call
  /**
   * Resolves when the pipelines have taken the message, so that the client may forget it, with what is to be told: the
   * spans that have an invalid id are refused, and the others are taken. A message without items is taken at once. Rejects
   * with what the pipeline throws, or the reading of the message. The call's lease must be for the body, and is for
   * nothing afterwards. So are the body's bytes, unless a pipeline keeps them: they are freed.
   */
  take(signal: Signal, body: Body, call: Call): Promise<Partial<ExportResponse>>
  /**
   * Accounts for a request that was refused, by whichever stage, and gives back the reason as a {@link CollectorError}.
   * `reason`: what it is counted by, default the error's code.
   */
  refuse(thrown: unknown, sender: SenderAccount, reason?: string): CollectorError
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
  converter: Converter,
): Intake & IntakeControl {
  const labels = { receiver: context.id, transport }
  const accepted = signalCounters(context.counters, 'otelcol_receiver_accepted', labels)
  const refused = signalCounters(context.counters, 'otelcol_receiver_refused', labels)
  const failed = signalCounters(context.counters, 'otelcol_receiver_failed', labels)
  const invalid = context.counters.counter('spoor_receiver_rejected_spans', { ...labels, reason: 'invalid_id' })
  const requests = (outcome: string): Counter =>
    context.counters.counter('otelcol_receiver_requests', { ...labels, outcome })
  const succeeded = requests('success')
  const door = context.ledger?.door(context.id, transport) ?? NO_DOOR

  let open = true
  let active = 0
  let drained: (() => void) | undefined

  const checkOpen = (): void => {
    if (open) return
    throw new CollectorError('unavailable', `${context.id} is shutting down; try again`, { retryAfterMs: 1000 })
  }

  const read = async (signal: Signal, { encoding, bytes }: Body, call: Call): Promise<Message> => {
    if (encoding === 'json' && bytes.length >= JSON_THREAD_BYTES) {
      return converter.convert({ signal, encoding, body: bytes }, call)
    }
    // What has come before in this turn, the end of the body or of its decompression, is a turn's work as well.
    if (bytes.length >= LARGE_BYTES) await setImmediate()
    return readMessage(signal, encoding, bytes, MOST_WORK) ?? converter.convert({ signal, encoding, body: bytes }, call)
  }

  const hand = async (
    consumer: Consumer,
    signal: Signal,
    { bytes, items, rejected }: Message,
    { compressed }: Body,
    call: Call,
  ): Promise<void> => {
    const chunk: Chunk = compressed && rejected === 0 ? { bytes, items, compressed } : { bytes, items }
    ownMemory(chunk)
    if (consumer.releases) giveMemory(chunk)
    try {
      await consumer.consume(createBatch(signal, [chunk]), call)
    } catch (error) {
      const problem = toCollectorError(error)
      // As the collector counts: refused by the pipeline, or failed by a defect of this receiver's own process.
      if (problem.code === 'internal') failed[signal].value += items
      else refused[signal].value += items
      throw problem
    } finally {
      call.answered()
    }
    accepted[signal].value += items
  }

  /** Makes the lease one for what is handed on, and frees the rest. */
  const settle = (message: Message, body: Body, bodyBytes: number, call: Call): void => {
    const dropped = message.rejected > 0 ? (body.compressed?.bytes.length ?? 0) : 0
    const more = message.bytes.length - bodyBytes - dropped
    if (more > 0 && !call.lease.grow(more)) throw call.budget.refusal(call.lease.bytes + more)
    call.lease.shrink(Math.min(call.lease.bytes, Math.max(0, -more)))
    if (message.bytes !== body.bytes) freeBody(body.bytes)
    call.lease.move('pipeline')
  }

  const reject = (
    signal: Signal,
    { rejected, items, problem }: Message,
    sender: SenderAccount,
  ): Partial<ExportResponse> => {
    refused[signal].value += rejected
    invalid.value += rejected
    const message = `${rejected} of ${rejected + items} spans were not taken, as an id of theirs is not valid; the first: ${problem}`
    sender.refused('invalid_id', message)
    return { rejected, message }
  }

  return {
    get active() {
      return active
    },
    has: (signal) => next.has(signal),
    checkOpen,
    sender: (connection, userAgent) => door.sender(connection, userAgent),
    open: (reclaim, sender, socket) => new Call(context.budget, reclaim, sender, socket),
    async take(signal, body, call) {
      const bodyBytes = body.bytes.length
      let message: Message | undefined
      let isKept = false
      try {
        checkOpen()
        active++
        try {
          message = await read(signal, body, call)
          if (call.left) throw new CollectorError('unavailable', 'the client left before its message was handed on')
          settle(message, body, bodyBytes, call)
          const { items } = message
          call.sender.arrived(signal, message.bytes)
          const answer = message.rejected > 0 ? reject(signal, message, call.sender) : {}
          if (message.items > 0) {
            const consumer = next.get(signal)
            if (!consumer) throw new CollectorError('unimplemented', `no pipeline takes ${signal} from ${context.id}`)
            isKept = consumer.releases !== true
            await hand(consumer, signal, message, body, call)
          }
          call.sender.taken(items)
          succeeded.value++
          return answer
        } finally {
          active--
          if (active === 0) drained?.()
        }
      } finally {
        if (!isKept)
          for (const bytes of [body.bytes, message?.bytes, body.compressed?.bytes]) if (bytes) freeBody(bytes)
        call.lease.release()
      }
    },
    refuse(thrown, sender, reason) {
      const error = toCollectorError(thrown)
      requests(reason ?? error.code).value++
      sender.refused(reason ?? error.code, error.message)
      return error
    },
    async close() {
      open = false
      if (active > 0) await new Promise<void>((resolve) => (drained = resolve))
    },
  }
}
