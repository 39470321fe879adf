import type { StartCall } from './calls.ts'

interface Opened {
  readonly method: string
  readonly url: string | URL
  hasParent: boolean
}

/** Every `XMLHttpRequest` of the page becomes a call. Returns what takes it back. */
export function patchXhr(startCall: StartCall): () => void {
  const { prototype } = XMLHttpRequest
  // Called with the request as their `this`, below.
  // oxlint-disable-next-line typescript/unbound-method
  const { open, send, setRequestHeader } = prototype
  const opened = new WeakMap<XMLHttpRequest, Opened>()

  const patchedOpen = function (this: XMLHttpRequest, method: string, url: string | URL, ...rest: unknown[]): void {
    opened.set(this, { method: method.toUpperCase(), url, hasParent: false })
    // As it was called: without a third argument is not the same as with undefined.
    Reflect.apply(open, this, [method, url, ...rest])
  }
  const patchedHeader = function (this: XMLHttpRequest, name: string, value: string): void {
    const request = opened.get(this)
    if (request && name.toLowerCase() === 'traceparent') request.hasParent = true
    setRequestHeader.call(this, name, value)
  }
  const patchedSend = function (this: XMLHttpRequest, body?: Document | XMLHttpRequestBodyInit | null): void {
    const request = opened.get(this)
    const call = request && startCall(request.method, request.url)
    if (call) {
      let failure: string | undefined
      for (const [event, type] of FAILURES) this.addEventListener(event, () => (failure = type), { once: true })
      this.addEventListener('loadend', () => (failure ? call.failed(failure) : call.done(this.status)), { once: true })
      if (!request.hasParent)
        for (const [name, value] of Object.entries(call.headers)) setRequestHeader.call(this, name, value)
    }
    send.call(this, body)
  }
  prototype.open = patchedOpen
  prototype.setRequestHeader = patchedHeader
  prototype.send = patchedSend
  return () => {
    if (prototype.send !== patchedSend) return
    prototype.open = open
    prototype.setRequestHeader = setRequestHeader
    prototype.send = send
  }
}

const FAILURES = [
  ['error', 'NetworkError'],
  ['timeout', 'TimeoutError'],
  ['abort', 'AbortError'],
] as const
