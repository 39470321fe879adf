/** What a client is asked to wait where whoever refused named no time. Milliseconds. */
const DEFAULT_RETRY_AFTER_MS = 1000

/**
 * The one catalogue of the collector's errors. Whether an error can be retried is decided where it is born; HTTP and
 * gRPC statuses are derived from the code in `status.ts` and nowhere else.
 */
export type CollectorErrorCode =
  /** The data can never be taken: malformed, or refused for good by the peer. */
  | 'invalid_data'
  /** A message is larger than the limit set for it. */
  | 'too_large'
  /** A queue is full, or a limit on memory or rate was reached; try again later. */
  | 'overloaded'
  /** The next stage or peer cannot be reached or is shutting down; try again later. */
  | 'unavailable'
  /** The peer did not answer within the timeout. */
  | 'timeout'
  /** The peer wants other credentials, or does not allow it. */
  | 'unauthenticated'
  | 'permission_denied'
  /** The peer does not offer the service or path. */
  | 'unimplemented'
  /** The configuration is not valid; the message names file, line and column. */
  | 'config'
  /** A listening address is taken or may not be bound. */
  | 'listen'
  /** A defect of ours. */
  | 'internal'

export class CollectorError extends Error {
  override readonly name = 'CollectorError'
  readonly code: CollectorErrorCode
  readonly retryable: boolean
  /**
   * Milliseconds that a client is told to wait before it tries again (Retry-After, RetryInfo): what was asked for, else
   * one second. Every retryable error has it, since RESOURCE_EXHAUSTED is retried with RetryInfo only and many clients
   * give up on a 503 without Retry-After; undefined for a permanent one.
   */
  readonly retryAfterMs: number | undefined
  /**
   * The milliseconds that whoever refused asked for; undefined where it named none, so that a stage which retries by
   * itself keeps to its own backoff.
   */
  readonly requestedDelayMs: number | undefined
  constructor(
    code: CollectorErrorCode,
    message: string,
    options: { retryable?: boolean; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.retryable = options.retryable ?? (code === 'overloaded' || code === 'unavailable' || code === 'timeout')
    this.requestedDelayMs = options.retryAfterMs
    this.retryAfterMs = options.retryAfterMs ?? (this.retryable ? DEFAULT_RETRY_AFTER_MS : undefined)
  }
}

/**
 * Several refusals as one. `needed`: whether all of those who refused have to take the batch for it to be taken (then one that refuses for
 * good decides), or any of them (then one that may take it later does). The wait is that of the first who may take it.
 */
export function joinErrors(errors: readonly CollectorError[], needed: 'all' | 'any'): CollectorError {
  const [first] = errors
  if (errors.length === 1 && first) return first
  const retryable =
    needed === 'all' ? errors.every((error) => error.retryable) : errors.some((error) => error.retryable)
  const decisive = errors.find((error) => error.retryable === retryable) ?? first
  const waits = errors.flatMap(({ requestedDelayMs }) => requestedDelayMs ?? [])
  const wait = needed === 'all' ? Math.max(...waits) : Math.min(...waits)
  return new CollectorError(decisive?.code ?? 'internal', errors.map((error) => error.message).join('; '), {
    retryable,
    ...(retryable && waits.length > 0 ? { retryAfterMs: wait } : {}),
    cause: new AggregateError(errors),
  })
}
