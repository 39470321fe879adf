import { createLogLimiter, type Logger } from '@spoor/collector'
import { StorageError, type StorageErrorCode } from '@spoor/storage'
import type { FastifyReply } from 'fastify'
import type { ApiError } from '../api.ts'
import { QueryError } from '../query/index.ts'
import { RequestError } from './params.ts'

/** What went wrong with a request, before it is put in the form of an API. */
export interface Failure {
  /** The HTTP status. */
  readonly status: number
  /** Stable, lower_snake_case. */
  readonly code: string
  readonly message: string
  /** 0-based, in the query text. */
  readonly position?: number
}

/**
 * A query that took too long is 504 and not 503: 503 is sent with `Retry-After`, and proxies and clients ask again by
 * themselves, which the same query does not deserve. Jaeger's clients show the message of either.
 */
const STATUSES: Readonly<Record<StorageErrorCode, number>> = {
  bad_query: 400,
  timeout: 504,
  // Nobody is there to read it.
  cancelled: 499,
  closed: 503,
  disk_full: 503,
  io: 503,
  locked: 503,
  overloaded: 503,
  read_only: 403,
  corrupt: 500,
  newer_format: 500,
}

/** What a client that was refused for now is asked to wait. Seconds. */
const RETRY_AFTER_S = 1
/** The same trouble of many queries is logged this often. Milliseconds. */
const LOG_INTERVAL_MS = 10_000

/** In the words of Spoor's own API. */
export function apiError({ code, message, position }: Omit<Failure, 'status'>): ApiError {
  return { error: { code, message, ...(position !== undefined && { position }) } }
}

export interface Failures {
  /** What an error means to a client. */
  of(error: unknown): Failure
  /** Answers a request that failed; `form` puts the failure in the API's words. */
  answer(
    reply: FastifyReply,
    error: unknown,
    form: (failure: Failure) => { readonly type: string; readonly body: string },
  ): FastifyReply
  /** The same, told in the log where an answer would be. `what`: what was asked. */
  note(error: unknown, what: string): Failure
  /** Tells of an answer that failed when a part of it was sent already. */
  tell(reply: FastifyReply, error: unknown): void
}

/**
 * The one place where errors become HTTP statuses. What is not known to be the client's fault is logged, with its stack where it is a
 * defect. 503 always has `Retry-After`. A client that has left gets no answer.
 */
export function createFailures(logger: Logger): Failures {
  const limited = createLogLimiter(logger, LOG_INTERVAL_MS)
  function log(failure: Failure, error: unknown, url: string): void {
    if (failure.code === 'internal') logger.error({ err: error, url }, failure.message)
    else if (failure.status >= 500) limited.warn(failure.code, { code: failure.code, url }, failure.message)
  }
  return {
    of: failureOf,
    note(error, what) {
      const failure = failureOf(error)
      log(failure, error, what)
      return failure
    },
    answer(reply, error, form) {
      const failure = failureOf(error)
      if (failure.code === 'cancelled' || reply.raw.destroyed) {
        reply.hijack()
        reply.raw.destroy()
        return reply
      }
      log(failure, error, reply.request.url)
      if (failure.status === 503) void reply.header('retry-after', String(RETRY_AFTER_S))
      const { type, body } = form(failure)
      return reply.code(failure.status).type(type).send(body)
    },
    tell(reply, error) {
      const failure = failureOf(error)
      log({ ...failure, message: `an answer was cut off: ${failure.message}` }, error, reply.request.url)
    },
  }
}

function failureOf(error: unknown): Failure {
  if (error instanceof QueryError) {
    return { status: 400, code: 'bad_query', message: error.message, position: error.position }
  }
  if (error instanceof RequestError) return { status: error.status, code: error.code, message: error.message }
  if (error instanceof StorageError) {
    const advice = error.code === 'timeout' ? '; ask for less, as by a shorter time range' : ''
    return { status: STATUSES[error.code], code: error.code, message: `${error.message}${advice}` }
  }
  const { statusCode = 500, message } = error as { statusCode?: number; message: string }
  if (statusCode < 500) return { status: statusCode, code: 'bad_request', message }
  return { status: 500, code: 'internal', message: `the query failed: ${message}` }
}

/** Whether an error in the middle of a trace leaves what came before it good, so that it can be given as a part. */
export function leavesPart(error: unknown): error is StorageError {
  return error instanceof StorageError && error.code !== 'cancelled'
}
