/** What went wrong with a broker, as a {@link CollectorError}. Sources: Kafka's table of error codes, and the client's classes of errors. */
import { CollectorError, type CollectorErrorCode } from '../component/index.ts'

/** An error of the client: a tree, by `errors` and `cause`. */
interface ClientError extends Error {
  readonly code?: string
  /** Kafka's name of it, as `TOPIC_AUTHORIZATION_FAILED`. */
  readonly apiId?: string
  readonly errors?: readonly ClientError[]
  readonly cause?: unknown
  readonly response?: unknown
}

const TOO_LARGE: readonly string[] = ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']
const FORBIDDEN: readonly string[] = [
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
]
/** Of records that no other time would be taken either. */
const INVALID: readonly string[] = [
  'INVALID_TOPIC_EXCEPTION',
  'INVALID_RECORD',
  'INVALID_TIMESTAMP',
  'INVALID_REQUIRED_ACKS',
  'UNSUPPORTED_COMPRESSION_TYPE',
  'UNSUPPORTED_FOR_MESSAGE_FORMAT',
  'POLICY_VIOLATION',
]

/** The error and all that it is made of. */
export function leaves(error: unknown, depth = 0): ClientError[] {
  if (!(error instanceof Error) || depth > 8) return []
  const { errors, cause } = error as ClientError
  return [error, ...(errors ?? []).flatMap((each) => leaves(each, depth + 1)), ...leaves(cause, depth + 1)]
}

/** Kafka's names of what is in it. */
export function apiIds(error: unknown): ReadonlySet<string> {
  return new Set(leaves(error).flatMap(({ apiId }) => apiId ?? []))
}

/** `where`: whom it was asked, as `Kafka at localhost:9092`. */
export function toKafkaError(error: unknown, where: string): CollectorError {
  if (error instanceof CollectorError) return error
  const found = leaves(error)
  const ids = apiIds(error)
  const make = (code: CollectorErrorCode, text: string, retryable?: boolean): CollectorError =>
    new CollectorError(code, `${where}: ${text}`, { cause: error, ...(retryable !== undefined && { retryable }) })
  const isOne = (known: readonly string[]): string | undefined => known.find((id) => ids.has(id))
  const large = isOne(TOO_LARGE)
  if (large !== undefined) return make('too_large', `a message is larger than the topic takes (${large})`)
  const refused = found.find(({ code }) => code === 'PLT_KFK_AUTHENTICATION')
  // Credentials are mended at the brokers as often as here, so that what was taken is kept until then.
  if (refused) return make('unauthenticated', textOf([refused, ...leaves(refused)]), true)
  const forbidden = isOne(FORBIDDEN)
  if (forbidden !== undefined) return make('permission_denied', `${forbidden}: ${textOf(found)}`)
  const invalid = isOne(INVALID)
  if (invalid !== undefined) return make('invalid_data', `${invalid}: ${textOf(found)}`)
  if (found.some(({ code }) => code === 'PLT_KFK_TIMEOUT')) return make('timeout', textOf(found))
  return make('unavailable', textOf(found))
}

/** What of it says most: the innermost messages, each once. */
function textOf(found: readonly ClientError[]): string {
  const inner = found.filter(({ errors, cause }) => (errors ?? []).length === 0 && !(cause instanceof Error))
  const texts = inner.map(({ message, apiId }) =>
    apiId === undefined || message.includes(apiId) ? message : `${message} (${apiId})`,
  )
  return [...new Set(texts)].slice(0, 3).join('; ') || 'unknown error'
}
