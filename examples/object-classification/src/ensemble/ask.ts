/** Asks one inference service. */
import type { Span, SpanContext } from '@opentelemetry/api'
import { withSpan } from '@spoor/instrument'
import { fault } from '../service/faults.ts'
import { imageQuery } from '../service/image-query.ts'
import type { RawImage } from '../service/image-query.ts'
import type { InferenceAnswer } from '../service/prediction.ts'

/** How long one service may take, its queue included, ms. */
const INFERENCE_TIMEOUT_MS = 30_000

/** An answer and the span in which it was asked for. */
export interface Opinion extends InferenceAnswer {
  readonly span: SpanContext
}

/** Posts the image and reads the probabilities. Rejects with a reason that names the service. */
export function askInference(service: string, image: RawImage): Promise<Opinion> {
  return withSpan('ask a model', async (span) => {
    span.setAttribute('inference.url', service)
    const response = await post(service, image, span).catch((cause: unknown) => {
      throw new Error(`${service} does not answer: ${reasonOf(cause)}`, { cause })
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${service} answered ${response.status}: ${text.slice(0, 300)}`)
    const answer = JSON.parse(text) as InferenceAnswer
    span.setAttribute('model.name', answer.model)
    return { ...answer, span: span.spanContext() }
  })
}

/** One question, or in a storm of retries as many as it is told, each without a pause and before the last one is answered. */
async function post(service: string, image: RawImage, span: Span): Promise<Response> {
  const send = (timeoutMs: number): Promise<Response> =>
    fetch(`${service}/inference?${imageQuery(image)}`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: image.pixels,
      signal: AbortSignal.timeout(timeoutMs),
    })
  const { retries = 0, timeout_ms = 0 } = fault('retry_storm') ?? {}
  for (let attempt = 1; attempt <= retries; attempt++) {
    const response = await send(timeout_ms).catch(() => undefined)
    if (response?.ok) return response
    await response?.body?.cancel()
    span.addEvent('asks again', { 'retry.attempt': attempt })
  }
  return send(INFERENCE_TIMEOUT_MS)
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message || error.cause.name : error.message
}
