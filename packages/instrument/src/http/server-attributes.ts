import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { Attributes } from '@opentelemetry/api'
import { isKnownMethod } from './methods.ts'

/**
 * What is known of a request as it comes, by the semantic conventions of HTTP spans, version 1.23 and later (stable). What proxies say of the
 * client and of the address that it asked for wins over what the socket says.
 */
export function serverAttributes(request: IncomingMessage): Attributes {
  const { headers, socket, url = '/' } = request
  const method = request.method ?? 'GET'
  const scheme = (socket as Partial<TLSSocket>).encrypted === true ? 'https' : 'http'
  const forwarded = headers.forwarded === undefined ? undefined : forwardedOf(headers.forwarded)
  const target = targetOf(url)
  const attributes: Attributes = {
    'http.request.method': isKnownMethod(method) ? method : '_OTHER',
    'url.scheme': scheme,
    'url.path': target.path,
    'network.protocol.version': request.httpVersion,
  }
  // Of a socket of Unix, or one that is gone, there are none.
  const { remoteAddress, remotePort } = socket
  if (remoteAddress !== undefined) attributes['network.peer.address'] = remoteAddress
  if (remotePort !== undefined) attributes['network.peer.port'] = remotePort
  const client = clientAddress(forwarded?.for ?? first(headers['x-forwarded-for'])) ?? remoteAddress
  if (client !== undefined) attributes['client.address'] = client
  if (!isKnownMethod(method)) attributes['http.request.method_original'] = method
  if (target.query !== '') attributes['url.query'] = target.query
  const userAgent = headers['user-agent']
  if (userAgent !== undefined) attributes['user_agent.original'] = userAgent
  const asked = forwarded?.host ?? first(headers['x-forwarded-host']) ?? headers.host ?? ''
  if (asked !== '') {
    const { host, port } = splitAuthority(asked)
    attributes['server.address'] = host
    const proto = forwarded?.proto ?? first(headers['x-forwarded-proto']) ?? scheme
    const known = port ?? (proto === 'https' ? 443 : proto === 'http' ? 80 : undefined)
    if (known !== undefined) attributes['server.port'] = known
  }
  return attributes
}

/** `/path?query`; whole, as proxies are asked; or `*`. */
function targetOf(url: string): { readonly path: string; readonly query: string } {
  let start = 0
  if (url.charCodeAt(0) !== 47) {
    const authority = url.indexOf('://')
    if (authority !== -1) {
      start = url.indexOf('/', authority + 3)
      if (start === -1) return { path: '/', query: '' }
    }
  }
  const mark = url.indexOf('?', start)
  if (mark === -1) return { path: start === 0 ? url : url.slice(start), query: '' }
  return { path: url.slice(start, mark), query: url.slice(mark + 1) }
}

/** Of a list, which header or several of them may be, the first. */
function first(header: string | readonly string[] | undefined): string | undefined {
  const text = typeof header === 'string' ? header : header?.[0]
  const value = text?.split(',', 1)[0]!.trim()
  return value === '' ? undefined : value
}

/** The first proxy's entry. Source: RFC 7239. */
function forwardedOf(header: string): { for?: string; host?: string; proto?: string } {
  const found: Record<string, string> = {}
  for (const pair of (header.split(',', 1)[0] ?? '').split(';')) {
    const [name = '', value = ''] = pair.split('=', 2).map((part) => part.trim())
    found[name.toLowerCase()] = value.replace(/^"(.*)"$/, '$1')
  }
  return found
}

/** Without its port. */
function clientAddress(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  if (text.startsWith('[')) return text.slice(1, text.indexOf(']'))
  // More than one colon is IPv6 as it is.
  const colon = text.indexOf(':')
  return colon === -1 || text.includes(':', colon + 1) ? text : text.slice(0, colon)
}

/** `host`, `host:port`, `[::1]:port`. */
export function splitAuthority(text: string): { readonly host: string; readonly port: number | undefined } {
  const colon = text.lastIndexOf(':')
  if (colon === -1 || text.endsWith(']')) return { host: text, port: undefined }
  const port = Number(text.slice(colon + 1))
  return { host: text.slice(0, colon), port: Number.isInteger(port) && port > 0 ? port : undefined }
}
