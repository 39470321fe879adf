/**
 * The one place where a {@link CollectorError} becomes a gRPC or HTTP status, and where a peer's status becomes a
 * {@link CollectorError}. Sources: the OTLP specification ("Failures" for gRPC and HTTP) and the OpenTelemetry
 * Collector's receiver, which map the same way.
 */
import { OtlpError } from '@spoor/otlp'
import { CollectorError, type CollectorErrorCode } from './error.ts'

/** gRPC status codes by name. Source: grpc/doc/statuscodes.md. */
export const GRPC = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const

/** As `UNAVAILABLE`. */
export function grpcName(code: number): string {
  return Object.entries(GRPC).find(([, value]) => value === code)?.[0] ?? `code ${code}`
}

export interface Status {
  readonly grpc: number
  readonly http: number
}

const UNAVAILABLE: Status = { grpc: GRPC.UNAVAILABLE, http: 503 }
const INTERNAL: Status = { grpc: GRPC.INTERNAL, http: 500 }

const STATUSES: Readonly<Record<CollectorErrorCode, Status>> = {
  invalid_data: { grpc: GRPC.INVALID_ARGUMENT, http: 400 },
  // Without RetryInfo, so that a client does not send the same message again.
  too_large: { grpc: GRPC.RESOURCE_EXHAUSTED, http: 413 },
  overloaded: UNAVAILABLE,
  unavailable: UNAVAILABLE,
  timeout: { grpc: GRPC.DEADLINE_EXCEEDED, http: 503 },
  unauthenticated: { grpc: GRPC.UNAUTHENTICATED, http: 401 },
  permission_denied: { grpc: GRPC.PERMISSION_DENIED, http: 403 },
  unimplemented: { grpc: GRPC.UNIMPLEMENTED, http: 404 },
  config: INTERNAL,
  listen: INTERNAL,
  internal: INTERNAL,
}

const RETRYABLE_HTTP: ReadonlySet<number> = new Set([429, 502, 503, 504])

/**
 * The status that a client is told. What may be retried always gets a status that OTLP clients retry, and only that.
 */
export function statusOf(error: CollectorError): Status {
  const status = STATUSES[error.code]
  const retried = RETRYABLE_HTTP.has(status.http)
  if (error.retryable === retried) return status
  return error.retryable ? UNAVAILABLE : INTERNAL
}

/** Anything thrown, as a {@link CollectorError}: malformed OTLP is `invalid_data`, what is not ours is `internal`. */
export function toCollectorError(thrown: unknown): CollectorError {
  if (thrown instanceof CollectorError) return thrown
  if (thrown instanceof OtlpError) {
    // The message of an OtlpError has the field and the byte in it.
    const message = `not a valid OTLP message (${thrown.code}): ${thrown.message}`
    return new CollectorError('invalid_data', message, { cause: thrown })
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return new CollectorError('internal', message, { cause: thrown })
}

/**
 * How receivers of other makes say that a message is over their limit: grpc-go and grpc-js `received message larger
 * than max`, tonic `decoded message length too large` (with OUT_OF_RANGE), grpc-java `gRPC message exceeds maximum
 * size`.
 */
const TOO_LARGE = /larger than max|too large|exceeds? (the )?max/i

/** A gRPC peer's refusal. `retryAfterMs`: the delay of its RetryInfo, undefined when it sent none. */
export function errorFromGrpc(peer: string, code: number, message: string, retryAfterMs?: number): CollectorError {
  const text = `${peer} answered ${grpcName(code)}${message === '' ? '' : `: ${message}`}`
  const options = retryAfterMs === undefined ? {} : { retryAfterMs }
  if (
    (code === GRPC.OUT_OF_RANGE || (code === GRPC.RESOURCE_EXHAUSTED && retryAfterMs === undefined)) &&
    TOO_LARGE.test(message)
  ) {
    return new CollectorError('too_large', text)
  }
  switch (code) {
    case GRPC.DEADLINE_EXCEEDED:
      return new CollectorError('timeout', text, options)
    case GRPC.CANCELLED:
    case GRPC.ABORTED:
    case GRPC.OUT_OF_RANGE:
    case GRPC.UNAVAILABLE:
    case GRPC.DATA_LOSS:
      return new CollectorError('unavailable', text, options)
    case GRPC.RESOURCE_EXHAUSTED:
      // Retryable only when the server says when: the OTLP specification, "OTLP/gRPC Throttling".
      return new CollectorError('overloaded', text, { ...options, retryable: retryAfterMs !== undefined })
    case GRPC.UNAUTHENTICATED:
      return new CollectorError('unauthenticated', text)
    case GRPC.PERMISSION_DENIED:
      return new CollectorError('permission_denied', text)
    case GRPC.UNIMPLEMENTED:
      return new CollectorError('unimplemented', text)
    case GRPC.INVALID_ARGUMENT:
      return new CollectorError('invalid_data', text)
    default:
      return new CollectorError('internal', text)
  }
}

/** An HTTP peer's refusal (any status outside 2xx). `retryAfterMs`: its Retry-After, undefined when it sent none. */
export function errorFromHttp(peer: string, status: number, message: string, retryAfterMs?: number): CollectorError {
  const text = `${peer} answered HTTP ${status}${message === '' ? '' : `: ${message}`}`
  const options = retryAfterMs === undefined ? {} : { retryAfterMs }
  if (RETRYABLE_HTTP.has(status)) {
    return new CollectorError(status === 429 ? 'overloaded' : 'unavailable', text, options)
  }
  switch (status) {
    case 401:
      return new CollectorError('unauthenticated', text)
    case 403:
      return new CollectorError('permission_denied', text)
    case 404:
    case 405:
      return new CollectorError('unimplemented', text)
    case 413:
      return new CollectorError('too_large', text)
    default:
      return new CollectorError(status >= 400 && status < 500 ? 'invalid_data' : 'internal', text)
  }
}

/**
 * The gRPC code that an HTTP status stands for when a peer answers a call without gRPC. Source:
 * grpc/doc/http-grpc-status-mapping.md.
 */
export function grpcFromHttp(status: number): number {
  if (status === 400) return GRPC.INTERNAL
  if (status === 401) return GRPC.UNAUTHENTICATED
  if (status === 403) return GRPC.PERMISSION_DENIED
  if (status === 404) return GRPC.UNIMPLEMENTED
  return RETRYABLE_HTTP.has(status) ? GRPC.UNAVAILABLE : GRPC.UNKNOWN
}
