/**
 * The inference service: `POST /inference?request_id=&width=&height=` with raw RGB pixels answers with the model's
 * probabilities; `GET /health` tells which model it serves. On node:http alone, to show that tracing needs no framework.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { trace } from '@opentelemetry/api'
import { getTracer, withSpan } from '@spoor/instrument'
import sharp from 'sharp'
import { fault, onFaults } from '../service/faults.ts'
import { readRawImage } from '../service/image-query.ts'
import type { RawImage } from '../service/image-query.ts'
import { best } from '../service/prediction.ts'
import type { InferenceAnswer } from '../service/prediction.ts'
import { createServiceServer, serve } from '../service/serve.ts'
import type { Running } from '../service/serve.ts'
import { holdModel } from './model.ts'
import type { HeldModel } from './model.ts'
import { JobQueue, QueueFullError } from './queue.ts'

// As in preprocessing: no image comes twice.
sharp.cache(false)

/** What an inference service serves. */
export interface InferenceOptions {
  readonly port: number
  /** The model's name in answers and spans. */
  readonly name: string
  /** The model's version in spans. Default: none is said. */
  readonly version?: string
  /** The ONNX file. */
  readonly model: string
  /** 1000 names of classes. */
  readonly labels: readonly string[]
  /** Images that may wait or run at once; more are answered with 503. Default 32. */
  readonly queueLimit?: number
}

/** Largest body that is read, bytes: a 4096 x 4096 image. */
const MAX_BODY_BYTES = 3 * 4096 * 4096
/** What a caller is told to wait when the line is full, seconds. */
const RETRY_AFTER_SECONDS = '1'

/** Loads the model, then listens. */
export async function startInference(options: InferenceOptions): Promise<Running> {
  const model = await holdModel(options.model)
  const queue = new JobQueue(options.queueLimit ?? 32)
  const leave = occupy(queue)
  const server = createServiceServer((request, response) => {
    handle(request, response, { ...options, held: model, queue }).catch((error: unknown) => {
      const full = error instanceof QueueFullError
      if (full) response.setHeader('retry-after', RETRY_AFTER_SECONDS)
      const message = error instanceof Error ? error.message : String(error)
      answer(response, full ? 503 : 500, { error: { code: full ? 'queue_full' : 'inference_failed', message } })
    })
  })
  const drain = async (): Promise<void> => {
    leave()
    await model.close()
  }
  return serve(server, { port: options.port, drain })
}

/** While the line is to be saturated: others are ahead in it, as many as it is told. @returns How to end that. */
function occupy(queue: JobQueue): () => void {
  let others = 0
  const fill = (): void => {
    const { images = 0, ms = 0 } = fault('saturated_queue') ?? {}
    while (others < images && !queue.isFull) {
      others++
      const work = queue.add(
        () => sleep(ms, undefined, { ref: false }),
        () => undefined,
      )
      void work.finally(() => {
        others--
        fill()
      })
    }
  }
  return onFaults(fill)
}

interface Service extends InferenceOptions {
  readonly held: HeldModel
  readonly queue: JobQueue
}

async function handle(request: IncomingMessage, response: ServerResponse, service: Service): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost')
  if (url.pathname === '/health' && request.method === 'GET') {
    answer(response, 200, {
      status: 'ok',
      model: service.name,
      side: service.held.side,
      queue: service.queue.length,
      loaded: service.held.loaded(),
    })
    return
  }
  if (url.pathname !== '/inference' || request.method !== 'POST') {
    answer(response, 404, { error: { code: 'not_found', message: 'POST /inference or GET /health' } })
    return
  }
  const body = await readBody(request)
  const image =
    body === undefined ? `the body is larger than ${MAX_BODY_BYTES} bytes` : readRawImage(url.searchParams, body)
  if (typeof image === 'string') {
    answer(response, 400, { error: { code: 'bad_image', message: image } })
    return
  }
  // Without a framework nobody else knows which route this is.
  const span = trace.getActiveSpan()?.updateName('POST /inference')
  span?.setAttributes({ 'http.route': '/inference', 'request.id': image.requestId, 'model.name': service.name })
  const probabilities = await classify(image, service)
  const result: InferenceAnswer = { model: service.name, probabilities: Array.from(probabilities) }
  answer(response, 200, result)
}

/** Waits for the model's thread, fits the image to the model, and runs it: a span for each of the three. */
async function classify(image: RawImage, { name, version, labels, held, queue }: Service): Promise<Float32Array> {
  const wait = getTracer().startSpan('wait for the model', {
    attributes: { 'stage.name': 'queue', 'queue.length': queue.length },
  })
  try {
    return await queue.add(
      async () => {
        const pixels = await withSpan('fit to the model', { attributes: { 'stage.name': 'preprocess' } }, () =>
          fit(image, held.side),
        )
        return withSpan('run the model', async (span) => {
          span.setAttributes({
            'stage.name': 'model',
            'model.name': name,
            ...(version !== undefined && { 'model.version': version }),
            // One image at a time, of so many rows, columns and colours.
            'model.batch_size': 1,
            'model.input.shape': [1, held.side, held.side, 3],
          })
          const slow = fault('slow_model')
          if (slow) await sleep(slow.ms)
          const { probabilities, runMs } = await held.run(pixels)
          const [top] = best(probabilities, labels, 1)
          span.setAttribute('model.run_ms', runMs)
          if (top) span.setAttributes({ 'prediction.label': top.label, 'prediction.probability': top.probability })
          return probabilities
        })
      },
      () => wait.end(),
    )
  } catch (error) {
    if (error instanceof QueueFullError) {
      wait.recordException(error)
      wait.end()
    }
    throw error
  }
}

/** The image at the model's own size. */
async function fit({ pixels, width, height }: RawImage, side: number): Promise<Uint8Array> {
  if (width === side && height === side) return pixels
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .resize(side, side, { fit: 'fill' })
    .raw()
    .toBuffer()
}

/** @returns The body, or `undefined` when it is too large. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    // The rest is read and dropped, so that the sender gets the answer and not a broken connection.
    if (size <= MAX_BODY_BYTES) chunks.push(chunk)
  }
  return size <= MAX_BODY_BYTES ? Buffer.concat(chunks) : undefined
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}
