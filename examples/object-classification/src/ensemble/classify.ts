/** The ensemble's work on one image: asks all models at once and averages what they say. */
import type { Span } from '@opentelemetry/api'
import { withSpan } from '@spoor/instrument'
import type { RawImage } from '../service/image-query.ts'
import { best } from '../service/prediction.ts'
import type { EnsembleResult } from '../service/prediction.ts'
import { askInference } from './ask.ts'
import type { Opinion } from './ask.ts'
import { average } from './average.ts'

/**
 * Classifies the image. A service that fails is left out of the average and recorded on `work`.
 *
 * @param work The span of the whole work.
 * @throws {AggregateError} When no service answers.
 */
export async function classify(
  image: RawImage,
  work: Span,
  { inference, labels }: { inference: readonly string[]; labels: readonly string[] },
): Promise<EnsembleResult> {
  const asked = inference.map(async (service) => {
    const opinion = await askInference(service, image)
    work.addEvent('a model has answered', { 'model.name': opinion.model })
    return opinion
  })
  const settled = await Promise.allSettled(asked)
  const opinions: Opinion[] = []
  const failures: { service: string; error: Error }[] = []
  for (const [index, outcome] of settled.entries()) {
    const service = inference[index] ?? ''
    if (outcome.status === 'fulfilled') {
      opinions.push(outcome.value)
      continue
    }
    const error = outcome.reason instanceof Error ? outcome.reason : new Error(String(outcome.reason))
    failures.push({ service, error })
    work.recordException(error)
    work.addEvent('goes on without a model', { 'inference.url': service })
  }
  if (opinions.length === 0)
    throw new AggregateError(
      failures.map(({ error }) => error),
      `none of ${inference.length} inference services answered: ${failures.map(({ error }) => error.message).join('; ')}`,
    )
  // The average depends on each opinion, which its place in the tree cannot say.
  const links = opinions.map(({ model, span }) => ({ context: span, attributes: { 'model.name': model } }))
  return withSpan('average the probabilities', { links, attributes: { 'stage.name': 'aggregate' } }, (span) => {
    const top = best(average(opinions.map(({ probabilities }) => probabilities)), labels, 5)
    const [first] = top
    if (!first) throw new Error('the models named no class')
    span.setAttributes({ 'prediction.label': first.label, 'prediction.probability': first.probability })
    work.setAttributes({ 'prediction.label': first.label, 'prediction.probability': first.probability })
    return {
      requestId: image.requestId,
      ...first,
      top,
      votes: opinions.flatMap(({ model, probabilities }) =>
        best(probabilities, labels, 1).map((vote) => ({ model, ...vote })),
      ),
      failed: failures.map(({ service, error }) => ({ service, reason: error.message })),
    }
  })
}
