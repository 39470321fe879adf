/**
 * The preprocessing service: `POST /preprocessing` takes a photograph in the multipart field `file`, makes the square of
 * raw RGB pixels that the models look at, and posts it to the ensemble.
 */
import { randomUUID } from 'node:crypto'
import { SpanStatusCode, trace } from '@opentelemetry/api'
import { withSpan } from '@spoor/instrument'
import type { Request, Response } from 'express'
import { answerErrors, createApp, handler } from '../service/express.ts'
import { imageQuery } from '../service/image-query.ts'
import type { ErrorAnswer } from '../service/prediction.ts'
import { createServiceServer, serve } from '../service/serve.ts'
import type { Running } from '../service/serve.ts'
import { prepareImage, UploadError } from './image.ts'
import { readUpload } from './upload.ts'

/** What the preprocessing service works with. */
export interface PreprocessingOptions {
  readonly port: number
  /** The ensemble's URL. */
  readonly ensemble: string
  /** The ensemble's URL as clients reach it, who ask it for results. Default: `ensemble`. */
  readonly results?: string
  /** Width and height of the pixels that are sent on. Default 299, the largest of the models; the others shrink it. */
  readonly side?: number
}

/** The answer to a photograph that was taken. */
export interface PreprocessingAnswer {
  readonly requestId: string
  /** Where the result can be fetched. */
  readonly result: string
}

/** How long the ensemble may take to accept an image, ms. */
const ENSEMBLE_TIMEOUT_MS = 10_000

/** The ensemble did not take the image. */
class EnsembleError extends Error {
  override readonly name = 'EnsembleError'
}

/** Starts to listen. */
export async function startPreprocessing(options: PreprocessingOptions): Promise<Running> {
  const { port, ensemble, results = ensemble, side = 299 } = options
  const app = createApp()
  app.get('/health', (_request, response) => {
    response.json({ status: 'ok', ensemble })
  })
  app.post(
    '/preprocessing',
    handler(async (request, response: Response<PreprocessingAnswer | ErrorAnswer>) => {
      const requestId = randomUUID()
      trace.getActiveSpan()?.setAttribute('request.id', requestId)
      try {
        await takePhotograph(request, requestId, { ensemble, side })
        response.json({ requestId, result: `${results}/result/${requestId}` })
      } catch (error) {
        refuse(error, response)
      }
    }),
  )
  app.use(answerErrors)
  return serve(createServiceServer(app), { port })
}

async function takePhotograph(
  request: Request,
  requestId: string,
  { ensemble, side }: { ensemble: string; side: number },
): Promise<void> {
  const upload = await withSpan('read the upload', async (span) => {
    const read = await readUpload(request)
    span.setAttributes({ 'file.name': read.fileName, 'file.size': read.bytes.length })
    return read
  })
  const image = await withSpan('prepare the image', async (span) => {
    const prepared = await prepareImage(upload.bytes, side)
    const { format, width, height, orientation } = prepared.source
    span.setAttributes({
      'stage.name': 'preprocess',
      'image.format': format,
      'image.width': width,
      'image.height': height,
    })
    if (orientation !== 1) span.addEvent('turned upright', { 'image.exif_orientation': orientation })
    return prepared
  })
  const query = imageQuery({ requestId, width: image.side, height: image.side, pixels: image.pixels })
  const answer = await fetch(`${ensemble}/ensemble_service?${query}`, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: image.pixels,
    signal: AbortSignal.timeout(ENSEMBLE_TIMEOUT_MS),
  }).catch((cause: unknown) => {
    throw new EnsembleError(`the ensemble at ${ensemble} does not answer`, { cause })
  })
  const text = await answer.text()
  if (!answer.ok) throw new EnsembleError(`the ensemble answered ${answer.status}: ${text}`)
}

/** A bad upload is the sender's fault (400), an ensemble that does not take the image is ours (502). */
function refuse(error: unknown, response: Response<ErrorAnswer>): void {
  const span = trace.getActiveSpan()
  const message = error instanceof Error ? error.message : String(error)
  span?.recordException(error instanceof Error ? error : message)
  if (error instanceof UploadError) {
    response.status(400).json({ error: { code: error.code, message } })
    return
  }
  span?.setStatus({ code: SpanStatusCode.ERROR, message })
  const code = error instanceof EnsembleError ? 'ensemble_failed' : 'preprocessing_failed'
  response.status(error instanceof EnsembleError ? 502 : 500).json({ error: { code, message } })
}
