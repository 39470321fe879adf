/**
 * Against DNS rebinding: a web page of some other site can make its own name resolve to 127.0.0.1, and then read from
 * or write to what listens there as if it were its own. A server that listens on loopback therefore answers only to
 * names that mean this machine. One that listens elsewhere was opened on purpose and answers to any.
 */
import { isIP } from 'node:net'

/** Whether an address or name (without port) can be reached from this machine only. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, '').toLowerCase()
  if (isIP(name) === 4) return name.startsWith('127.')
  return name === '::1' || name === 'localhost' || name.endsWith('.localhost')
}

/** The name of a `Host` header without its port; undefined when it is not one. */
function hostNameOf(header: string): string | undefined {
  return /^(\[[0-9a-f:.]+\]|[^:[\]/@\s]+)(:\d{1,5})?$/i.exec(header)?.[1]
}

/**
 * Whether a browser sends the request for a page of another site, other than by a link to it: the page gets nothing of the answer, but what the
 * answer costs. Source: Fetch Metadata, `Sec-Fetch-Site`.
 */
export function isForOtherSite(headers: { readonly [name: string]: string | readonly string[] | undefined }): boolean {
  const { 'sec-fetch-site': site, 'sec-fetch-mode': mode } = headers
  return (site === 'cross-site' || site === 'same-site') && mode !== 'navigate'
}

/**
 * Whether a request with this `Host` header may be answered by a server on `listenHost`.
 *
 * @param alsoAllowed names that are as good as loopback
 */
export function hostAllowed(header: string | undefined, listenHost: string, alsoAllowed?: RegExp): boolean {
  if (!isLoopback(listenHost)) return true
  const name = header === undefined ? undefined : hostNameOf(header)
  return name !== undefined && (isLoopback(name) || alsoAllowed?.test(name) === true)
}
