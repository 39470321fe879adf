/**
 * Cross-origin requests of browsers, after the keys of the OpenTelemetry Collector's `cors` section. Source:
 * fetch.spec.whatwg.org, "CORS protocol".
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { CorsConfig } from './config.ts'

/**
 * Sets the CORS headers of an answer. Where the request was a preflight, it is then answered, and this says how; `may_send`: a request of a page that may
 * send; undefined: of one that may not, or of no page.
 */
export type Cors = (
  request: IncomingMessage,
  response: ServerResponse,
) => 'preflight_allowed' | 'preflight_refused' | 'may_send' | undefined

export function createCors(config: CorsConfig | undefined): Cors {
  if (!config || config.allowed_origins.length === 0) return () => undefined
  const origins = config.allowed_origins.map(originPattern)
  return (request, response) => {
    const origin = request.headers.origin
    if (origin === undefined) return undefined
    response.setHeader('vary', 'Origin')
    const preflight = isPreflight(request)
    const isAllowed = origins.some((pattern) => pattern.test(origin))
    if (isAllowed) {
      response.setHeader('access-control-allow-origin', origin)
      response.setHeader('access-control-allow-credentials', 'true')
      if (config.exposed_headers.length > 0)
        response.setHeader('access-control-expose-headers', config.exposed_headers.join(', '))
      if (preflight) {
        response.setHeader('access-control-allow-methods', 'POST')
        const asked = config.allowed_headers.includes('*') && request.headers['access-control-request-headers']
        response.setHeader(
          'access-control-allow-headers',
          asked || ['content-type', 'content-encoding', ...config.allowed_headers].join(', '),
        )
        if (config.max_age > 0) response.setHeader('access-control-max-age', config.max_age)
      }
    }
    // Without the headers, the browser itself keeps a foreign page from sending.
    if (!preflight) return isAllowed ? 'may_send' : undefined
    response.writeHead(204).end()
    return isAllowed ? 'preflight_allowed' : 'preflight_refused'
  }
}

/** Whether a browser asks whether it may send. */
export function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === 'OPTIONS' && headers['access-control-request-method'] !== undefined
}

function originPattern(pattern: string): RegExp {
  const escaped = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${escaped.join('.*')}$`, 'i')
}
