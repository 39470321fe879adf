import type { StartCall } from './calls.ts'

/** Every `fetch` of the page becomes a call. Returns what takes it back, as far as nobody has patched it since. */
export function patchFetch(startCall: StartCall, original: typeof fetch): () => void {
  const before = window.fetch
  const patched: typeof fetch = (input, init) => {
    const request = input instanceof Request ? input : undefined
    const method = (init?.method ?? request?.method ?? 'GET').toUpperCase()
    const call = startCall(method, request?.url ?? (input as string | URL))
    if (!call) return original(input, init)
    return original(input, withHeaders(request, init, call.headers)).then(
      (response) => {
        call.answered(response.status)
        return response
      },
      (error: unknown) => {
        const { name = 'Error', message } = error as Partial<Error>
        call.failed(name, message)
        throw error
      },
    )
  }
  window.fetch = patched
  return () => {
    if (window.fetch === patched) window.fetch = before
  }
}

/** What the page has set itself stays; a request without CORS takes no header of ours. */
function withHeaders(
  request: Request | undefined,
  init: RequestInit | undefined,
  more: Readonly<Record<string, string>>,
): RequestInit | undefined {
  if (Object.keys(more).length === 0 || (init?.mode ?? request?.mode) === 'no-cors') return init
  const headers = new Headers(init?.headers ?? request?.headers)
  if (headers.has('traceparent')) return init
  for (const [name, value] of Object.entries(more)) headers.set(name, value)
  return { ...init, headers }
}
