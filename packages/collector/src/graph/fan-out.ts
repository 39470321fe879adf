import { CollectorError, toCollectorError, type Consumer } from '../component/index.ts'

/**
 * One consumer for several: each gets the same immutable batch, and all are waited for. A single one is given back as
 * it is.
 */
export function fanOut(consumers: readonly Consumer[]): Consumer {
  const [first] = consumers
  if (consumers.length === 1 && first) return first
  return {
    async consume(batch) {
      const results = await Promise.allSettled(consumers.map(async (consumer) => consumer.consume(batch)))
      const errors = results.flatMap((result) =>
        result.status === 'rejected' ? [toCollectorError(result.reason)] : [],
      )
      if (errors.length > 0) throw combine(errors)
    },
  }
}

/** Retryable only when all of them are: what one consumer refuses for good is not brought in by sending it again. */
function combine(errors: readonly CollectorError[]): CollectorError {
  const [first] = errors
  if (errors.length === 1 && first) return first
  const permanent = errors.find((error) => !error.retryable)
  const waits = errors.flatMap((error) => error.retryAfterMs ?? [])
  return new CollectorError((permanent ?? first!).code, errors.map((error) => error.message).join('; '), {
    retryable: permanent === undefined,
    ...(waits.length > 0 && !permanent ? { retryAfterMs: Math.max(...waits) } : {}),
    cause: new AggregateError(errors),
  })
}
