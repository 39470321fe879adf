/** A small HTTP server of an extension, that answers GET from memory. */
import type http from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TlsOptions } from 'node:tls'
import { pipeline, type Readable } from 'node:stream'
import {
  CollectorError,
  createTlsFiles,
  formatHostPort,
  hostAllowed,
  isForOtherSite,
  listenError,
  parseHostPort,
  type Logger,
  type TlsFiles,
} from '../component/index.ts'
import { serverTlsOptions, type ServerTls } from '../receiver-helper/index.ts'

export interface Answer {
  readonly status: number
  readonly contentType: string
  /** Of a stream as long as it likes; it is destroyed when nobody reads it any more. Where it fails the answer is cut, so as not to be taken for the whole. */
  readonly body: string | Readable
}

/** What is answered: a path, what is behind its `?`, and the headers of the request. */
export type Answering = (
  path: string,
  query: string,
  headers: http.IncomingHttpHeaders,
) => Answer | undefined | Promise<Answer | undefined>

export interface HttpEndpoint {
  /** Where it listens, once it does: `127.0.0.1:13133`. */
  readonly address: string
  /** Rejects with `listen` where that cannot be. */
  start(): Promise<void>
  /** Reads the files of TLS anew; what has changed holds for connections from now on. */
  refresh(): void
  /** Gives up the port at once, and lets answers that are under way end shortly. */
  stop(): Promise<void>
}

/** A request's head must be there by then. Milliseconds. */
const HEADERS_TIMEOUT_MS = 5_000
/** How often it is looked for those that are not: often, so that of thousands few are refused in one turn. Milliseconds. */
const TIMEOUTS_CHECK_MS = 250
/** What an answer may take to end when the endpoint stops. Milliseconds. */
const LINGER_MS = 200
/** No answer is kept, and a page loads nothing and runs nothing. */
const HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
}
const CANNOT_BE_USED = 'A certificate or key has changed and cannot be used. What was read before goes on to hold.'
const NOT_FOUND = refusal(404, 'page not found')

/**
 * `endpoint`: `host:port`. `answer`: undefined for a path that there is not; where it fails, that is told with 500. Other methods than
 * GET and HEAD get 405, other hosts than this machine's 403 where it listens on loopback. `tls`: with the log that is told where its files have
 * changed and cannot be used; undefined: plain HTTP.
 */
export function createHttpEndpoint(
  endpoint: string,
  answer: Answering,
  tls?: { readonly config: ServerTls; readonly logger: Logger },
): HttpEndpoint {
  const { host, port } = parseHostPort(endpoint)
  const listenHost = host === 'localhost' ? '127.0.0.1' : host
  const limits = { headersTimeout: HEADERS_TIMEOUT_MS, connectionsCheckingInterval: TIMEOUTS_CHECK_MS }
  let server: http.Server | https.Server | undefined
  let files: TlsFiles<TlsOptions> | undefined
  let address = ''

  const serve: http.RequestListener = (request, response) => {
    request.resume()
    void answerTo(request).then(({ status, contentType, body }) => {
      const head = { ...HEADERS, 'content-type': contentType }
      if (request.method === 'HEAD') {
        if (typeof body !== 'string') body.destroy()
        response.writeHead(status, head).end()
      } else if (typeof body === 'string') {
        response.writeHead(status, { ...head, 'content-length': Buffer.byteLength(body) }).end(body)
      } else {
        pipeline(body, response.writeHead(status, head), () => {})
      }
    })
  }

  function create(): http.Server | https.Server {
    // See `receiver-helper/http.ts`.
    if (!tls) return process.getBuiltinModule('node:http').createServer(limits, serve)
    const { config, logger } = tls
    try {
      files = createTlsFiles(() => serverTlsOptions(config), config.reload_interval, {
        changed: (options) => secure.setSecureContext(options),
        failed: ({ message }) => logger.warn({ endpoint, error: message }, CANNOT_BE_USED),
      })
      const secure = https.createServer({ ...limits, ...files.options }, serve)
      return secure
    } catch (error) {
      throw new CollectorError('listen', (error as Error).message, { cause: error })
    }
  }

  async function answerTo(request: http.IncomingMessage): Promise<Answer> {
    if (!hostAllowed(request.headers.host, listenHost)) return refusal(403, 'this port is for programs of this machine')
    if (isForOtherSite(request.headers)) return refusal(403, 'this port is not for pages of other sites')
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return refusal(405, 'method not allowed, supported: [GET]')
    const [path = '', query = ''] = (request.url ?? '').split('?', 2)
    try {
      return (await answer(path, query, request.headers)) ?? NOT_FOUND
    } catch (error) {
      return refusal(500, (error as Error).message)
    }
  }

  return {
    get address() {
      return address
    },
    async start() {
      const created = (server = create())
      await new Promise<void>((resolve, reject) => {
        // Also later, when a connection cannot be taken: it is the client's then, and no end of the process.
        created.on('error', (error: NodeJS.ErrnoException) => reject(listenError(endpoint, error)))
        created.listen({ port, ...(listenHost === '' ? {} : { host: listenHost }) }, resolve)
      })
      const bound = created.address() as AddressInfo
      address = formatHostPort(bound.address, bound.port)
    },
    refresh: () => void files?.refresh(),
    async stop() {
      files?.stop()
      const stopped = server
      if (!stopped?.listening) return
      const closed = new Promise<void>((resolve) => stopped.close(() => resolve()))
      stopped.closeIdleConnections()
      const timer = setTimeout(() => stopped.closeAllConnections(), LINGER_MS)
      await closed
      clearTimeout(timer)
    },
  }
}

/** A line for a person, with the status in front. */
export function refusal(status: number, message: string): Answer {
  return { status, contentType: 'text/plain; charset=utf-8', body: `${status} ${message}\n` }
}
