/**
 * What the consumer does with a batch of messages. In the trace of each request one span of the message, `process
 * results`, directly below the one that has sent it, so that a map of services counts one call a message. In it: how
 * long it has waited, and what was done with it. One message alone is stored there; several are stored with one
 * statement, in a trace of the batch's own, and links lead from each to it and back.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { Context, Span } from '@opentelemetry/api'
import { getTracer, withSpan } from '@spoor/instrument'
import { readResult, SENT_AT, UnreadableError } from '../results/message.ts'
import { queueAttributes } from '../results/publish.ts'
import { QUEUE } from '../results/queue.ts'
import type { Delivery, QueuePlace } from '../results/queue.ts'
import { fault } from '../service/faults.ts'
import { isAboutTheData } from './database.ts'
import type { NewRow, ResultDatabase } from './database.ts'

/** How often a message is tried before it goes to the dead letters, and the pause between two attempts, ms. */
export const MOST_ATTEMPTS = 4
const AGAIN_MS = 200
/** Pause before a database that was not reached is asked again, ms. */
const REACH_AGAIN_MS = 1000

/** What has become of messages since the start. */
export interface Counts {
  stored: number
  /** Attempts that have failed and are followed by another. */
  again: number
  /** Messages that went to the dead letters. */
  buried: number
}

/** What batches are handled with. */
export interface StoreOptions {
  readonly place: QueuePlace
  readonly database: Pick<ResultDatabase, 'insert'>
  readonly counts: Counts
  /** Aborted: a database that is not reached is not waited for any longer. */
  readonly signal: AbortSignal
}

/** A message that is being handled. */
interface Handled {
  readonly delivery: Delivery
  /** Of the message, with its wait. */
  readonly span: Span
  /** Of what is done with it once the wait is over. */
  readonly work: Span
  /** Within `work`. */
  readonly context: Context
}

interface Readable extends Handled {
  readonly row: NewRow
}

/** Handles a batch and settles each of its messages; those that the end comes over stay unsettled. Never rejects. */
export async function storeBatch(batch: readonly Delivery[], options: StoreOptions): Promise<void> {
  const readable: Readable[] = []
  for (const delivery of batch) {
    const handled = begin(delivery, options)
    try {
      readable.push({ ...handled, row: rowOf(handled) })
    } catch (error) {
      refuse(handled, error, options)
    }
  }
  const [only] = readable
  if (!only) return
  const { ms = 0 } = fault('slow_consumer') ?? {}
  if (ms > 0) await sleep(ms * readable.length)
  if (readable.length === 1) await storeAlone(only, options)
  else await storeTogether(readable, options)
}

/** The spans of a message: the wait is over, and work on it begins. */
function begin(delivery: Delivery, { place }: StoreOptions): Handled {
  const parent = fault('lost_context') ? ROOT_CONTEXT : propagation.extract(ROOT_CONTEXT, delivery.headers)
  const now = Date.now()
  const sentAt = Number(delivery.headers[SENT_AT])
  // How long it has waited since it came back is known to nobody.
  const hasWaited = delivery.attempt === 1 && sentAt <= now
  const span = getTracer().startSpan(
    `process ${QUEUE}`,
    {
      kind: SpanKind.CONSUMER,
      startTime: hasWaited ? sentAt : now,
      attributes: {
        ...queueAttributes(place),
        'messaging.operation.name': 'process',
        'messaging.operation.type': 'process',
        'messaging.message.id': delivery.id,
        'messaging.message.body.size': delivery.body.length,
        'message.attempt': delivery.attempt,
      },
    },
    parent,
  )
  const inside = trace.setSpan(parent, span)
  if (hasWaited)
    getTracer()
      .startSpan(
        'wait in the queue',
        { startTime: sentAt, attributes: { 'stage.name': 'queue', ...queueAttributes(place) } },
        inside,
      )
      .end(now)
  const work = getTracer().startSpan(
    'store the result',
    { startTime: now, attributes: { 'stage.name': 'store' } },
    inside,
  )
  return { delivery, span, work, context: trace.setSpan(inside, work) }
}

function rowOf({ delivery: { body, headers }, span }: Handled): NewRow {
  const result = readResult(body)
  span.setAttributes({
    'request.id': result.requestId,
    'prediction.label': result.label,
    'prediction.probability': result.probability,
    'ensemble.models': result.votes.map(({ model }) => model),
  })
  const sentAt = Number(headers[SENT_AT])
  return { ...result, sentAt: Number.isFinite(sentAt) ? sentAt : Date.now() }
}

async function storeAlone(one: Readable, options: StoreOptions): Promise<void> {
  try {
    await context.with(one.context, () => insert([one.row], options))
    done(one, options)
  } catch (error) {
    refuse(one, error, options)
  }
}

async function storeTogether(all: readonly Readable[], options: StoreOptions): Promise<void> {
  const attributes = { ...queueAttributes(options.place), 'messaging.batch.message_count': all.length }
  const links = all.map(({ span }) => ({ context: span.spanContext() }))
  const together = withSpan('store a batch', { root: true, attributes, links }, async (batch) => {
    for (const { span } of all)
      span.addLink({ context: batch.spanContext(), attributes: { 'link.role': 'stored_with' } })
    await insert(
      all.map(({ row }) => row),
      options,
    )
  })
  try {
    await together
    for (const one of all) done(one, options)
  } catch {
    // One of them is the reason, and the others are not to suffer for it: each by itself.
    for (const one of all) {
      one.span.addEvent('is stored by itself, as its batch was refused')
      await storeAlone(one, options)
    }
  }
}

/** Waits for a database that is not reached: the messages are not to blame. @throws Where the data is. */
async function insert(rows: readonly NewRow[], { database, signal }: StoreOptions): Promise<void> {
  for (;;)
    try {
      await database.insert(rows)
      return
    } catch (error) {
      if (isAboutTheData(error)) throw error
      console.error(`the database is not reached: ${error instanceof Error ? error.message : String(error)}`)
      await sleep(REACH_AGAIN_MS, undefined, { signal })
    }
}

function done({ delivery, span, work }: Handled, { counts }: StoreOptions): void {
  counts.stored++
  work.end()
  span.setAttribute('message.outcome', 'stored')
  span.end()
  delivery.ack()
}

/** It failed. What could never be handled would come for ever: after some attempts it is put aside. */
function refuse({ delivery, span, work }: Handled, error: unknown, { counts, signal }: StoreOptions): void {
  const reason = error instanceof Error ? error : new Error(String(error))
  span.recordException(reason)
  for (const one of [work, span]) one.setStatus({ code: SpanStatusCode.ERROR, message: reason.message })
  work.end()
  if (!isAboutTheData(error) && !(error instanceof UnreadableError)) {
    // The end has come over it: it is delivered to who comes next.
    span.setAttribute('message.outcome', 'left')
  } else if (delivery.attempt < MOST_ATTEMPTS) {
    counts.again++
    span.setAttribute('message.outcome', 'again')
    setTimeout(() => {
      if (!signal.aborted) delivery.again()
    }, AGAIN_MS).unref()
  } else {
    counts.buried++
    span.setAttribute('message.outcome', 'dead_letter')
    delivery.bury()
  }
  span.end()
}
