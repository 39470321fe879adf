import type { Attributes } from '@opentelemetry/api'
import { requestOf, spanToJson } from './otlp-json.ts'
import type { Settings } from './options.ts'
import type { WebSpan } from './span.ts'
import { version } from './version.ts'

/** What became of spans since the page was loaded. */
export interface Counts {
  readonly ended: number
  readonly sent: number
  /** Beyond the queue, refused for good, or beyond what a page may send as it is left. */
  readonly dropped: number
  /** Ended, and not answered yet. */
  readonly waiting: number
}

/**
 * Bytes that all requests with `keepalive` may have under way together (Fetch, "HTTP-network-or-cache fetch": 64 KiB). They alone are sent when the page is
 * gone. A little is left for others of the page.
 */
export const KEEPALIVE_BYTES = 60 * 1_024
/** Of one request; a span that is larger goes alone. */
const MAX_REQUEST_BYTES = 48 * 1_024
const MAX_SPANS = 200
const FIRST_RETRY_MS = 2_000
const LAST_RETRY_MS = 60_000
const POLICY_MS = 200

interface Waiting {
  readonly scope: string
  readonly json: string
  /** Bytes, as UTF-8. */
  readonly size: number
}

export interface Exporter {
  add(span: WebSpan): void
  /** Sends all that waits. Resolves when it was answered, or given up. */
  flush(): Promise<void>
  /** The page is hidden and may not come back: what waits is sent at once, as far as it arrives without the page. */
  hide(): void
  /** The page is gone: the same, and what does not fit is dropped. Returns how many spans are lost, as far as it can be known. */
  leave(): number
  /** No more is sent. */
  forbid(): void
  counts(): Counts
}

/** `send`: the browser’s own `fetch`, which makes no span. */
export function createExporter(settings: Settings, resource: Attributes, send: typeof fetch): Exporter {
  let queue: Waiting[] = []
  let [ended, sent, dropped, underWay, exposed, keptAlive] = [0, 0, 0, 0, 0, 0]
  let timer: ReturnType<typeof setTimeout> | undefined
  let retryMs = FIRST_RETRY_MS
  const policy = { isForbidden: false }
  // Until it was asked, and has answered, a browser asks before each request: of a page that goes, that question may never be put.
  let mayAsk = new URL(settings.url).origin !== location.origin && Object.keys(settings.headers).length === 0
  const told = new Set<string>()
  const around = encoder.encode(requestOf(resource, new Map(), version)).length + 200

  const say = (kind: string, text: string): void => {
    if (told.has(kind)) return
    told.add(kind)
    console.warn(`@spoor/web: ${text}`)
  }
  const drop = (count: number): void => {
    dropped += count
  }

  const schedule = (ms: number): void => {
    timer ??= setTimeout(() => {
      timer = undefined
      void sendAll(false)
    }, ms)
  }
  const unschedule = (): void => {
    clearTimeout(timer)
    timer = undefined
  }

  /** `onlyKept`: only what is sent on without the page. */
  const sendAll = async (onlyKept: boolean): Promise<void> => {
    const answers: Promise<boolean>[] = []
    while (queue.length > 0 && !policy.isForbidden) {
      const spans = take(queue, around)
      const size = spans.reduce((sum, span) => sum + span.size, around)
      const isKept = keptAlive + size <= KEEPALIVE_BYTES
      if (onlyKept && !isKept) break
      queue = queue.slice(spans.length)
      answers.push(post(spans, isKept ? size : 0, onlyKept))
    }
    if ((await Promise.all(answers)).includes(false) && queue.length > 0) {
      schedule(retryMs)
      retryMs = Math.min(2 * retryMs, LAST_RETRY_MS)
    }
  }

  /** Whether it was answered for good. `kept`: its bytes, where it is sent on without the page; else 0. */
  const post = async (spans: readonly Waiting[], kept: number, isLeaving: boolean): Promise<boolean> => {
    const { length } = spans
    const body = bodyOf(spans, resource)
    const type = isLeaving && mayAsk ? UNASKED_TYPE : JSON_TYPE
    if (isLeaving && !canKeepAlive() && navigator.sendBeacon(settings.url, new Blob([body], { type }))) {
      sent += length
      return true
    }
    underWay += length
    keptAlive += kept
    if (kept === 0) exposed += length
    try {
      const response = await send(settings.url, {
        method: 'POST',
        headers: { 'content-type': type, ...settings.headers },
        body,
        keepalive: kept > 0,
        credentials: 'omit',
        referrerPolicy: 'no-referrer',
      })
      mayAsk = false
      // Who takes JSON under its own name alone is asked first from now on.
      if (response.status === 415 && type === UNASKED_TYPE) return keep(spans)
      if (response.ok) {
        sent += length
        retryMs = FIRST_RETRY_MS
        return true
      }
      if (response.status === 429 || (response.status >= 502 && response.status <= 504)) return keep(spans)
      const words = (await response.text()).slice(0, 200)
      say(`status ${response.status}`, `${settings.url} answered ${response.status}: ${words}`)
      drop(length)
      return true
    } catch {
      // A policy that forbids it is told a moment after the failure.
      setTimeout(() => !policy.isForbidden && say('away', noAnswer(settings.url)), POLICY_MS)
      return keep(spans)
    } finally {
      underWay -= length
      keptAlive -= kept
      if (kept === 0) exposed -= length
    }
  }

  /** In front again, as far as there is room. */
  const keep = (spans: readonly Waiting[]): false => {
    if (policy.isForbidden) drop(spans.length)
    else {
      const room = Math.max(0, settings.maxQueueSize - queue.length)
      drop(Math.max(0, spans.length - room))
      queue = [...spans.slice(0, room), ...queue]
    }
    return false
  }

  return {
    add(span) {
      ended++
      if (policy.isForbidden || queue.length >= settings.maxQueueSize) {
        drop(1)
        if (!policy.isForbidden)
          say('full', `${settings.maxQueueSize} spans wait; what comes beyond is dropped (maxQueueSize)`)
        return
      }
      const json = spanToJson(span)
      queue.push({ scope: span.scope, json, size: encoder.encode(json).length + 1 })
      schedule(settings.delayMs)
    },
    flush() {
      unschedule()
      return sendAll(false)
    },
    hide() {
      unschedule()
      void sendAll(true)
      if (queue.length > 0) schedule(settings.delayMs)
    },
    leave() {
      unschedule()
      void sendAll(true)
      const lost = queue.length + exposed
      drop(queue.length)
      queue = []
      return lost
    },
    forbid() {
      if (policy.isForbidden) return
      policy.isForbidden = true
      const { origin } = new URL(settings.url)
      say(
        'forbidden',
        `the Content-Security-Policy of this page forbids to send to ${settings.url}: write in it connect-src ${origin}`,
      )
      drop(queue.length)
      queue = []
    },
    counts: () => ({ ended, sent, dropped, waiting: queue.length + underWay }),
  }
}

const encoder = new TextEncoder()
const JSON_TYPE = 'application/json'
/** What a browser sends to another origin without asking it first whether the page may; Spoor takes it from pages that may send. */
const UNASKED_TYPE = 'text/plain'

function canKeepAlive(): boolean {
  return 'keepalive' in Request.prototype
}

/** A page is not told which of the two it is. */
function noAnswer(url: string): string {
  return `no answer from ${url}: nothing listens there, or pages of ${location.origin} may not send to it (spoor --cors ${location.origin}). Spans wait.`
}

/** As many from the front as make one request. */
function take(queue: readonly Waiting[], around: number): Waiting[] {
  let [count, bytes] = [0, around]
  for (const { size } of queue) {
    if (count > 0 && (bytes + size > MAX_REQUEST_BYTES || count >= MAX_SPANS)) break
    bytes += size
    count++
  }
  return queue.slice(0, count)
}

function bodyOf(spans: readonly Waiting[], resource: Attributes): string {
  const scopes = new Map<string, string[]>()
  for (const { scope, json } of spans) {
    const of = scopes.get(scope)
    if (of) of.push(json)
    else scopes.set(scope, [json])
  }
  return requestOf(resource, scopes, version)
}
