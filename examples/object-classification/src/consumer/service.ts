/**
 * The consumer: takes results from the queue in batches and stores them. `GET /classifications?limit=20` answers with
 * the rows that were stored last; `GET /health` tells how it stands.
 */
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { subscribe } from '../results/queue.ts'
import type { Delivery, Subscription } from '../results/queue.ts'
import { answerErrors, createApp, handler } from '../service/express.ts'
import { serve } from '../service/serve.ts'
import type { Running } from '../service/serve.ts'
import { Batches } from './batches.ts'
import { openDatabase } from './database.ts'
import type { ResultDatabase } from './database.ts'
import { storeBatch } from './store.ts'
import type { Counts } from './store.ts'

/** What the consumer works with. */
export interface ConsumerOptions {
  readonly port: number
  /** `amqp://…`, or `memory://host:port`. */
  readonly queue: string
  /** `postgres://…`, or `pglite:folder`. */
  readonly database: string
  /** The most messages that are stored with one statement. Default 16. */
  readonly batchSize?: number
  /** How long the first message of a batch waits for others, ms. Default 50. */
  readonly batchWaitMs?: number
  /** The database cannot be used: a folder that is none, a password that is wrong. */
  readonly onFailure: (error: Error) => void
}

/** Pause before a server that is not reached is asked again, ms. */
const REACH_AGAIN_MS = 1000
/** Rows that are answered with, usually and at most. */
const USUAL_ROWS = 20
const MOST_ROWS = 1000

/** Listens at once; the database is opened meanwhile, and messages wait in the queue until it is there. */
export async function startConsumer(options: ConsumerOptions): Promise<Running> {
  const { batchSize = 16, batchWaitMs = 50 } = options
  const closing = new AbortController()
  const counts: Counts = { stored: 0, again: 0, buried: 0 }
  let database: ResultDatabase | undefined
  let subscription: Subscription | undefined
  let batches: Batches<Delivery> | undefined

  const work = async (): Promise<void> => {
    database = await reachDatabase(options.database, closing.signal)
    if (!database) return
    const { signal } = closing
    const store = { database, counts, signal }
    const opened = new Batches<Delivery>({
      size: batchSize,
      waitMs: batchWaitMs,
      handle: (batch) =>
        storeBatch(batch, { ...store, place: subscription?.place ?? { system: 'memory', host: '', port: 0 } }),
    })
    batches = opened
    subscription = await subscribe(options.queue, { prefetch: batchSize, onDelivery: (one) => opened.add(one) })
  }
  const working = work().catch((error: unknown) => {
    if (!closing.signal.aborted) options.onFailure(error instanceof Error ? error : new Error(String(error)))
  })

  const app = createApp()
  app.get('/health', (_request, response) => {
    const queue = subscription?.connected ? 'connected' : 'not connected'
    response.json({ status: 'ok', database: database ? 'open' : 'opening', queue, ...counts })
  })
  app.get(
    '/classifications',
    handler(async (request, response) => {
      const asked = Number(request.query['limit'] ?? USUAL_ROWS)
      const limit = Number.isInteger(asked) ? Math.max(1, Math.min(MOST_ROWS, asked)) : USUAL_ROWS
      if (database) response.json({ classifications: await database.latest(limit) })
      else response.status(503).json({ error: { code: 'opening', message: 'the database is not open yet' } })
    }),
  )
  app.use(answerErrors)
  const drain = async (): Promise<void> => {
    closing.abort()
    await working
    await batches?.close()
    await subscription?.close()
    await database?.close()
  }
  return serve(createServer(app), { port: options.port, drain })
}

/** Asks a server again and again. @returns Undefined when the end comes first. @throws For what no patience helps. */
async function reachDatabase(url: string, signal: AbortSignal): Promise<ResultDatabase | undefined> {
  while (!signal.aborted)
    try {
      return await openDatabase(url)
    } catch (error) {
      if (!isUnreached(error)) throw error
      console.error(`the database is not reached: ${error instanceof Error ? error.message : String(error)}`)
      await sleep(REACH_AGAIN_MS, undefined, { signal }).catch(() => undefined)
    }
  return undefined
}

/** Nobody listens there, or it is still starting (57P03). */
function isUnreached(error: unknown): boolean {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
  return /^E(CONN|HOST|NET|TIMEDOUT|PIPE|AI_AGAIN)/.test(code) || code === '57P03'
}
