import { parseShown } from '../format/outside.ts'
import { ApiFailure, failureOf, withoutQuery } from './api-failure.ts'

export const apiBase = '/api/spoor/v1'

/** Above the longest time that the server gives a query: after that it answers, if only with an error. Milliseconds. */
const maxSilenceMs = 30_000

/** Query parameters; `undefined` and `''` are left out. */
export type Parameters = Readonly<Record<string, string | number | undefined>>

export function apiUrl(path: string, parameters: Parameters = {}): string {
  const search = new URLSearchParams()
  for (const [key, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== '') search.set(key, String(value))
  }
  return search.size > 0 ? `${apiBase}/${path}?${search}` : `${apiBase}/${path}`
}

/** GETs JSON, its texts as they are shown unless `parse` is another. Throws {@link ApiFailure}; passes an abort on as it is. */
export async function getJson<T>(
  path: string,
  parameters: Parameters,
  signal: AbortSignal,
  parse: (text: string) => unknown = parseShown,
): Promise<T> {
  const url = apiUrl(path, parameters)
  const bytes = await get(url, 'application/json', { signal })
  try {
    return parse(new TextDecoder().decode(bytes)) as T
  } catch {
    throw new ApiFailure('unreadable', `The answer of ${withoutQuery(url)} is not JSON.`)
  }
}

export interface GetOptions {
  readonly signal?: AbortSignal
  /** Hears each piece of an answer that is what was asked for, as it comes. What it throws ends the call. */
  readonly onChunk?: (chunk: Uint8Array) => void
  /** Called whenever something of the answer has come. */
  readonly onProgress?: () => void
  /** POSTs it, protobuf, in place of a GET. */
  readonly body?: Uint8Array<ArrayBuffer>
}

/** GETs protobuf. Throws {@link ApiFailure}; passes an abort on as it is. */
export function getBytes(path: string, options: GetOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
  return get(apiUrl(path), 'application/x-protobuf', options)
}

/** POSTs protobuf, and passes over what is answered. Throws {@link ApiFailure}. */
export async function postBytes(path: string, body: Uint8Array<ArrayBuffer>): Promise<void> {
  await get(apiUrl(path), 'application/json', { body })
}

/** GETs what is of a media type. Throws {@link ApiFailure}; passes an abort on as it is. */
export async function get(
  url: string,
  type: string,
  { signal, onProgress, onChunk, body }: GetOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const silence = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  const listen = () => {
    clearTimeout(timer)
    timer = setTimeout(() => silence.abort(), maxSilenceMs)
  }
  /** What a call that was broken off has come upon; `otherwise` when neither the caller nor the silence ended it. */
  const broken = (cause: unknown, otherwise: ApiFailure) => {
    if (signal?.aborted) return cause
    if (!silence.signal.aborted) return otherwise
    const seconds = Math.round(maxSilenceMs / 1000)
    return new ApiFailure('silent', `Nothing came from Spoor at ${location.origin} for ${seconds} s.`, {
      isPassing: true,
    })
  }
  listen()
  try {
    const response = await fetch(url, {
      headers: { accept: type, ...(body && { 'content-type': 'application/x-protobuf' }) },
      ...(body && { method: 'POST', body }),
      signal: signal ? AbortSignal.any([signal, silence.signal]) : silence.signal,
    }).catch((cause: unknown) => {
      const message = `Spoor does not answer at ${location.origin}. Is it still running?`
      throw broken(cause, new ApiFailure('unreachable', message, { isPassing: true }))
    })
    const given = response.headers.get('content-type') ?? 'no content type'
    const isAsked = onChunk !== undefined && response.ok && given.startsWith(type)
    let received = 0
    const bytes = await bodyOf(response, (chunk) => {
      received += chunk.length
      listen()
      onProgress?.()
      if (isAsked) onChunk(chunk)
      return !isAsked
    }).catch((cause: unknown) => {
      if (cause instanceof ApiFailure) throw cause
      const message = `The answer of ${withoutQuery(url)} broke off after ${received} bytes: Spoor stopped, or met an error while it answered.`
      throw broken(cause, new ApiFailure('cut', message, { isPassing: true }))
    })
    if (!response.ok) throw failureOf(url, response, bytes)
    if (!given.startsWith(type)) {
      const message = `${withoutQuery(url)} answered with ${given} in place of ${type}. Is something else than Spoor listening at ${location.origin}?`
      throw new ApiFailure('unreadable', message)
    }
    return bytes
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Reads an answer chunk by chunk; those that `hear` says are to be kept come as one in the end. The browser's own ways to hear of chunks on their way, streams through streams,
 * cost a large trace as much as reading what is in it.
 */
async function bodyOf(
  { body }: Response,
  hear: (chunk: Uint8Array<ArrayBuffer>) => boolean,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = []
  let length = 0
  const reader = body?.getReader()
  try {
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true }
      if (done || !value) break
      if (!hear(value)) continue
      chunks.push(value)
      length += value.length
    }
  } catch (cause) {
    // It may be what hears that has had enough.
    void reader?.cancel().catch(() => {})
    throw cause
  }
  const bytes = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}
