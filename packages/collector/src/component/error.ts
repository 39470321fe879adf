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
  /** Milliseconds that the peer asked to wait before the next try; undefined when it did not say. */
  readonly retryAfterMs: number | undefined
  constructor(
    code: CollectorErrorCode,
    message: string,
    options: { retryable?: boolean; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.retryable = options.retryable ?? (code === 'overloaded' || code === 'unavailable' || code === 'timeout')
    this.retryAfterMs = options.retryAfterMs
  }
}
