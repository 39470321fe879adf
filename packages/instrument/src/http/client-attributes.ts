import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Attributes } from '@opentelemetry/api'
import { isKnownMethod } from './methods.ts'
import { splitAuthority } from './server-attributes.ts'

/** What is known of a request as it is made, by the semantic conventions of HTTP spans, version 1.23 and later (stable). */
export function clientAttributes(request: ClientRequest): Attributes {
  const { method, host, path } = request
  const asked = authorityOf(request)
  const attributes: Attributes = {
    'http.request.method': isKnownMethod(method) ? method : '_OTHER',
    'server.address': host,
    // A proxy is asked with the whole of it.
    'url.full': path.startsWith('/') ? `${request.protocol}//${asked.text}${path}` : path,
  }
  if (asked.port !== undefined) attributes['server.port'] = asked.port
  if (!isKnownMethod(method)) attributes['http.request.method_original'] = method
  const userAgent = request.getHeader('user-agent')
  if (typeof userAgent === 'string') attributes['user_agent.original'] = userAgent
  return attributes
}

/**
 * The address that a request goes to. Node keeps the port in the header that it makes of it alone; where the application has set that header, as
 * what hands on requests does, it is of something else, and the port is known by the connection.
 */
function authorityOf(request: ClientRequest): { readonly text: string; readonly port: number | undefined } {
  const { host, protocol } = request
  const bare = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
  const header = request.getHeader('host')
  if (typeof header !== 'string') return { text: bare, port: undefined }
  const asked = splitAuthority(header)
  if (asked.host !== bare) return { text: bare, port: undefined }
  const usual = defaultPort(protocol)
  return { text: asked.port === usual ? bare : header, port: asked.port ?? usual }
}

function defaultPort(protocol: string): number {
  return protocol === 'https:' ? 443 : 80
}

/** The port of a call, where only its connection tells it. */
export function portAttributes({ protocol, host, path }: ClientRequest, port: number | undefined): Attributes {
  if (port === undefined) return {}
  const bare = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
  const authority = port === defaultPort(protocol) ? bare : `${bare}:${port}`
  return { 'server.port': port, ...(path.startsWith('/') && { 'url.full': `${protocol}//${authority}${path}` }) }
}

/** What is known once an answer comes. */
export function responseAttributes({ statusCode, httpVersion, socket }: IncomingMessage): Attributes {
  return {
    'http.response.status_code': statusCode,
    'network.peer.address': socket?.remoteAddress,
    'network.peer.port': socket?.remotePort,
    'network.protocol.version': httpVersion,
  }
}
