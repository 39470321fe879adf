import type { ApiError } from 'spoor/api'

/** An {@link ApiFailure} as plain data, for the way between a worker and the page. */
export interface PlainFailure {
  readonly code: string
  readonly message: string
  readonly position?: number
  readonly isPassing: boolean
}

/**
 * What went wrong with a call to Spoor's API, in words for the person at the page. `code` is the server's (`bad_query`, `not_found`), or
 *
 * - `unreachable`: no answer came;
 * - `cut`: the answer broke off;
 * - `silent`: no answer, or no more of it, for too long;
 * - `unreadable`: the answer is not the API's;
 * - `http`: an error without the API's explanation.
 *
 * `position` is where in the query text, 0-based. `isPassing` tells whether the same call may succeed later.
 */
export class ApiFailure extends Error {
  override readonly name = 'ApiFailure'
  readonly code: string
  readonly position: number | undefined
  readonly isPassing: boolean

  constructor(code: string, message: string, more: { position?: number | undefined; isPassing?: boolean } = {}) {
    super(message)
    this.code = code
    this.position = more.position
    this.isPassing = more.isPassing ?? false
  }

  static of({ code, message, ...more }: PlainFailure): ApiFailure {
    return new ApiFailure(code, message, more)
  }

  toPlain(): PlainFailure {
    const { code, message, position, isPassing } = this
    return { code, message, isPassing, ...(position !== undefined && { position }) }
  }
}

/** What an answer other than 2xx says. */
export function failureOf(url: string, response: Response, body: Uint8Array): ApiFailure {
  const { status, statusText, headers } = response
  const isPassing = status === 404 || status === 429 || status === 503
  const seconds = Number(headers.get('retry-after'))
  const wait = seconds > 0 ? `. Spoor asks to wait ${seconds} s.` : ''
  const told = readError(body)
  if (told)
    return new ApiFailure(told.code, wait ? told.message.replace(/\.$/, '') + wait : told.message, {
      position: told.position,
      isPassing,
    })
  return new ApiFailure('http', `${withoutQuery(url)} answered ${`${status} ${statusText}`.trim()}${wait}`, {
    isPassing,
  })
}

function readError(body: Uint8Array): ApiError['error'] | undefined {
  try {
    const { error } = JSON.parse(new TextDecoder().decode(body)) as Partial<ApiError>
    return typeof error?.message === 'string' ? error : undefined
  } catch {
    return undefined
  }
}

/** An address as messages name it. */
export const withoutQuery = (url: string) => url.split('?')[0]
