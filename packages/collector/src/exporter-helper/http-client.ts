/** Requests over HTTP to one peer, over undici's pooled connections. */
import { createRequire } from 'node:module'
import { Readable } from 'node:stream'
import { decodeStatus } from '@spoor/otlp'
import type * as Undici from 'undici'
import { CollectorError, errorFromHttp, timerMs, type TlsFiles } from '../component/index.ts'
import type { TlsClientOptions } from './client-tls.ts'
import type { HttpClientConfig } from './http-config.ts'
import type { Payload } from './payload.ts'

/** Bytes of an answer that are read; the rest is not looked at. As the collector does. */
const MAX_RESPONSE_BYTES = 64 * 1024
const ERROR_TEXT_CHARS = 300

let loaded: typeof Undici | undefined

/** Read when the first of these exporters starts: it is a quarter of all that there is to read. */
function undici(): typeof Undici {
  return (loaded ??= createRequire(import.meta.url)('undici') as typeof Undici)
}

export class HttpClient {
  readonly #connect: () => Undici.Dispatcher
  readonly #hint: string
  #agent: Undici.Dispatcher

  /** `connect`: makes the connections from the start, and from each `renew`. `hint`: what to ask of a peer whose answer is no HTTP. */
  constructor(connect: () => Undici.Dispatcher, hint: string) {
    this.#connect = connect
    this.#hint = hint
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
    let response: Undici.Dispatcher.ResponseData
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
      throw this.#unreachable(url, error)
    }
    let body: Uint8Array
    try {
      body = await readBounded(response.body)
    } catch (error) {
      throw this.#unreachable(url, error)
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

  #unreachable(url: URL, error: unknown): CollectorError {
    const { message, code } = error as NodeJS.ErrnoException
    const hint = code?.startsWith('HPE_') ? `; ${this.#hint}` : ''
    return new CollectorError('unavailable', `cannot send to ${url.origin}: ${message}${hint}`, { cause: error })
  }
}

/** `connections`: to one host, where the config does not say how many. */
export function createHttpClient(
  config: HttpClientConfig,
  tls: TlsFiles<TlsClientOptions>,
  connections: number,
  hint: string,
): HttpClient {
  const { idle_conn_timeout: idleMs, enabled: isKept } = config.keepalive ?? {
    idle_conn_timeout: config.idle_conn_timeout,
    enabled: !config.disable_keep_alives,
  }
  const options = (): Undici.Agent.Options => ({
    connections: config.max_conns_per_host || connections,
    keepAliveTimeout: timerMs(idleMs),
    // 0 is undici's way not to keep a connection.
    pipelining: isKept ? 1 : 0,
    // The attempt has its own timeout.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  const { proxy_url: proxy } = config
  const { Agent, ProxyAgent } = undici()
  if (proxy === undefined) return new HttpClient(() => new Agent({ ...options(), connect: tls.options }), hint)
  return new HttpClient(() => new ProxyAgent({ ...options(), uri: proxy, requestTls: tls.options }), hint)
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
