import type { Logger } from '@spoor/collector'
import { StorageError } from '@spoor/storage'
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
 * The one place where errors become HTTP statuses. What is not known to be the client's fault is logged with its stack.
 */
export function failureOf(error: unknown, logger: Logger): Failure {
  if (error instanceof QueryError) {
    return { status: 400, code: 'bad_query', message: error.message, position: error.position }
  }
  if (error instanceof RequestError) return { status: error.status, code: error.code, message: error.message }
  if (error instanceof StorageError && error.code === 'bad_query') {
    return { status: 400, code: error.code, message: error.message }
  }
  const { statusCode = 500, message } = error as { statusCode?: number; message: string }
  if (statusCode < 500) return { status: statusCode, code: 'bad_request', message }
  logger.error({ err: error }, 'a query failed')
  if (error instanceof StorageError) {
    const isPassing = error.retryable || error.code === 'closed'
    return { status: isPassing ? 503 : 500, code: error.code, message: error.message }
  }
  return { status: 500, code: 'internal', message: `the query failed: ${message}` }
}
