/** OTLP/HTTP requests to one peer, over undici's pooled connections. */
import { Readable } from 'node:stream'
import { decodeStatus } from '@spoor/otlp'
import type { Dispatcher } from 'undici'
import { CollectorError, errorFromHttp } from '../../component/index.ts'
import type { Payload } from '../../exporter-helper/index.ts'

/** Bytes of an answer that are read; the rest is not looked at. As the collector does. */
const MAX_RESPONSE_BYTES = 64 * 1024
const ERROR_TEXT_CHARS = 300

export class HttpClient {
  readonly #connect: () => Dispatcher
  #agent: Dispatcher

  /** `connect`: makes the connections from the start, and from each `renew`. */
  constructor(connect: () => Dispatcher) {
    this.#connect = connect
    this.#agent = connect()
  }

  /** Further requests go over new connections; those that are under way go on. */
  renew(): void {
    const before = this.#agent
    this.#agent = this.#connect()
    before.close().catch(() => {})
  }

  /** The body of a 2xx answer. `observe`: hears of the status, or of the code of the error. Rejects with what the peer's status, or the failure of the connection, stands for. */
  async post(
    url: URL,
    headers: Record<string, string>,
    payload: Payload,
    signal: AbortSignal,
    observe?: (outcome: number | string, durationMs: number) => void,
  ): Promise<Uint8Array> {
    const [first] = payload.parts
    const beganMs = performance.now()
    let response: Dispatcher.ResponseData
    try {
      response = await this.#agent.request({
        origin: url.origin,
        path: url.pathname + url.search,
        method: 'POST',
        headers: { ...headers, 'content-length': String(payload.length) },
        // Written one after the other, which costs less than to join them first.
        body: payload.parts.length === 1 && first ? first : Readable.from(payload.parts, { objectMode: false }),
        signal,
      })
      observe?.(response.statusCode, performance.now() - beganMs)
    } catch (error) {
      observe?.((error as NodeJS.ErrnoException).code ?? '_OTHER', performance.now() - beganMs)
      throw unreachable(url, error)
    }
    let body: Uint8Array
    try {
      body = await readBounded(response.body)
    } catch (error) {
      throw unreachable(url, error)
    }
    if (response.statusCode >= 200 && response.statusCode < 300) return body
    const contentType = String(response.headers['content-type'] ?? '')
    throw errorFromHttp(
      url.host,
      response.statusCode,
      errorText(body, contentType),
      retryAfterMs(response.headers['retry-after']),
    )
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }
}

async function readBounded(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of stream) {
    parts.push(part)
    length += part.length
    if (length >= MAX_RESPONSE_BYTES) break
  }
  return Buffer.concat(parts).subarray(0, MAX_RESPONSE_BYTES)
}

/** The message of a `google.rpc.Status`, or the start of whatever text came. */
function errorText(body: Uint8Array, contentType: string): string {
  try {
    if (contentType.startsWith('application/x-protobuf')) return decodeStatus(body).message
    const text = Buffer.from(body).toString()
    if (contentType.startsWith('application/json')) {
      const { message } = JSON.parse(text) as { message?: unknown }
      if (typeof message === 'string') return message
    }
    return text.trim().slice(0, ERROR_TEXT_CHARS)
  } catch {
    return ''
  }
}

/** `Retry-After` in seconds or as a date. RFC 9110, 10.2.3. */
function retryAfterMs(header: string | string[] | undefined): number | undefined {
  if (typeof header !== 'string') return undefined
  const seconds = Number(header)
  if (Number.isFinite(seconds)) return seconds >= 0 ? seconds * 1000 : undefined
  const date = Date.parse(header)
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now())
}

function unreachable(url: URL, error: unknown): CollectorError {
  const { message, code } = error as NodeJS.ErrnoException
  const hint = code?.startsWith('HPE_') ? '; does this port speak OTLP/HTTP (usually 4318)?' : ''
  return new CollectorError('unavailable', `cannot send to ${url.origin}: ${message}${hint}`, { cause: error })
}
