/**
 * The ensemble service: `POST /ensemble_service?request_id=&width=&height=` takes raw RGB pixels and answers at once; the
 * work goes on in the background, in a span that outlives the request's own. `GET /result/:request_id` waits for it.
 */
import { SpanStatusCode, trace } from '@opentelemetry/api'
import type { Span } from '@opentelemetry/api'
import { withSpan } from '@spoor/instrument'
import express from 'express'
import type { Response } from 'express'
import { openPublisher } from '../results/queue.ts'
import type { Publisher } from '../results/queue.ts'
import { publishResult } from '../results/publish.ts'
import { answerErrors, createApp, handler } from '../service/express.ts'
import { readRawImage } from '../service/image-query.ts'
import type { EnsembleResult } from '../service/prediction.ts'
import { createServiceServer, serve } from '../service/serve.ts'
import type { Running } from '../service/serve.ts'
import { classify } from './classify.ts'
import { ResultStore } from './results.ts'
import type { Entry } from './results.ts'

/** What the ensemble works with. */
export interface EnsembleOptions {
  readonly port: number
  /** The inference services' URLs; at least one. */
  readonly inference: readonly string[]
  /** 1000 names of classes. */
  readonly labels: readonly string[]
  /** Images that may be worked on at once; more are answered with 503. Default 64. */
  readonly pendingLimit?: number
  /** Where results are sent to, as `--queue` says. Default: nowhere. */
  readonly queue?: string
  /** Results that are kept. Default 1000. */
  readonly resultLimit?: number
}

/** The longest and the usual time that a request for a result is held open, ms. */
const MAX_WAIT_MS = 30_000
const DEFAULT_WAIT_MS = 20_000
/** What a caller is told to wait when too much is being worked on, seconds. */
const RETRY_AFTER_SECONDS = '1'

/** Starts to listen. @throws When there is no inference service. */
export async function startEnsemble(options: EnsembleOptions): Promise<Running> {
  const { inference, pendingLimit = 64, resultLimit = 1000 } = options
  if (inference.length === 0) throw new Error('the ensemble needs at least one inference service')
  const results = new ResultStore(resultLimit)
  const queue = options.queue === undefined ? undefined : await openPublisher(options.queue)
  const background = new Set<Promise<void>>()
  const app = createApp()

  app.get('/health', (_request, response) => {
    response.json({ status: 'ok', inference, pending: results.pending })
  })

  app.post('/ensemble_service', express.raw({ type: () => true, limit: '64mb' }), (request, response) => {
    const body: unknown = request.body
    const query = new URL(request.originalUrl, 'http://localhost').searchParams
    const image = readRawImage(query, body instanceof Uint8Array ? body : new Uint8Array())
    if (typeof image === 'string') {
      response.status(400).json({ error: { code: 'bad_image', message: image } })
      return
    }
    if (results.pending >= pendingLimit) {
      const message = `${results.pending} images are being worked on already`
      response
        .status(503)
        .set('retry-after', RETRY_AFTER_SECONDS)
        .json({ error: { code: 'busy', message } })
      return
    }
    trace.getActiveSpan()?.setAttribute('request.id', image.requestId)
    const attributes = { 'request.id': image.requestId, 'ensemble.models': inference.length }
    // Not awaited: the answer goes out now, and this span, its child, ends later.
    const working = withSpan('classify in the background', { attributes }, async (work) => {
      const result = classify(image, work, options)
      results.add(image.requestId, work.spanContext(), result)
      const classified = await result
      // Who asks for the result does not wait for this.
      if (queue) await send(queue, classified, work)
    }).catch(() => {
      // The span has the exception, and the store hands the failure to who asks for the result.
    })
    background.add(working)
    void working.finally(() => background.delete(working))
    response.status(202).json({ requestId: image.requestId, result: `/result/${image.requestId}` })
  })

  app.get(
    '/result/:requestId',
    handler(async (request, response) => {
      const requestId = String(request.params['requestId'])
      trace.getActiveSpan()?.setAttribute('request.id', requestId)
      const entry = results.get(requestId)
      if (entry) await answerWithResult(entry, waitMsOf(request.query['wait_ms']), response)
      else {
        const message = `no request ${requestId} is known, or it is older than the last ${resultLimit}`
        response.status(404).json({ error: { code: 'not_found', message } })
      }
    }),
  )
  app.use(answerErrors)
  const drain = async (): Promise<void> => {
    await results.drain()
    await Promise.all(background)
    await queue?.close()
  }
  return serve(createServiceServer(app), { port: options.port, drain })
}

/** A queue that cannot be had is no failure of the work, which has its result: it is said, and the result not stored. */
async function send(queue: Publisher, result: EnsembleResult, work: Span): Promise<void> {
  try {
    await publishResult(queue, result)
  } catch (error) {
    work.addEvent('the result is not stored', { reason: error instanceof Error ? error.message : String(error) })
  }
}

/** Holds the request open until the result is there, at most `waitMs`. */
async function answerWithResult(entry: Entry, waitMs: number, response: Response): Promise<void> {
  const span = trace.getActiveSpan()
  // What is waited for is no part of this request: it belongs to the one that brought the image.
  span?.addLink({ context: entry.work, attributes: { 'link.role': 'waits_for' } })
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  const outcome = await entry.wait(waitMs, gone.signal)
  switch (outcome.state) {
    case 'done':
      response.json(outcome.result)
      break
    case 'pending':
      response.status(202).json({ requestId: entry.requestId, state: 'pending' })
      break
    case 'failed':
      span?.setStatus({ code: SpanStatusCode.ERROR, message: outcome.message })
      response.status(502).json({ error: { code: 'inference_failed', message: outcome.message } })
  }
}

function waitMsOf(value: unknown): number {
  const waitMs = value === undefined ? DEFAULT_WAIT_MS : Number(value)
  return Number.isFinite(waitMs) ? Math.max(0, Math.min(MAX_WAIT_MS, waitMs)) : DEFAULT_WAIT_MS
}
