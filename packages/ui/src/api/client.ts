import type { ApiError } from 'spoor/api'

/**
 * What went wrong with a call to Spoor's API, in words for the person at the page. `code` is the server's (`bad_query`, `not_found`), or `unreachable` when
 * no answer came, or `http` when the answer was not the API's. `position` is where in the query text, 0-based.
 */
export class ApiFailure extends Error {
  override readonly name = 'ApiFailure'
  readonly code: string
  readonly position: number | undefined

  constructor(code: string, message: string, position?: number) {
    super(message)
    this.code = code
    this.position = position
  }
}

export const apiBase = '/api/spoor/v1'

/** Query parameters; `undefined` and `''` are left out. */
export type Parameters = Readonly<Record<string, string | number | undefined>>

export function apiUrl(path: string, parameters: Parameters = {}): string {
  const search = new URLSearchParams()
  for (const [key, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== '') search.set(key, String(value))
  }
  return search.size > 0 ? `${apiBase}/${path}?${search}` : `${apiBase}/${path}`
}

/** GETs JSON. Throws {@link ApiFailure}; passes an abort on as it is. */
export async function getJson<T>(path: string, parameters: Parameters, signal: AbortSignal): Promise<T> {
  const response = await request(apiUrl(path, parameters), signal)
  return (await response.json()) as T
}

/** GETs bytes. Throws {@link ApiFailure}; passes an abort on as it is. */
export async function getBytes(path: string, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
  const response = await request(apiUrl(path), signal)
  return new Uint8Array(await response.arrayBuffer())
}

async function request(url: string, signal?: AbortSignal): Promise<Response> {
  let response: Response
  try {
    response = await fetch(url, signal ? { signal } : {})
  } catch (cause) {
    if (signal?.aborted) throw cause
    throw new ApiFailure('unreachable', `Spoor does not answer at ${location.origin}. Is it still running?`)
  }
  if (response.ok) return response
  const failure = await readError(response)
  throw failure ?? new ApiFailure('http', `${url} answered ${response.status} ${response.statusText}`.trim())
}

async function readError(response: Response): Promise<ApiFailure | undefined> {
  try {
    const { error } = (await response.json()) as Partial<ApiError>
    return error && new ApiFailure(error.code, error.message, error.position)
  } catch {
    return undefined
  }
}
