/** Where photographs are sent to. */

/** The route of the preprocessing service. */
const ROUTE = '/preprocessing'

/**
 * The address that takes photographs: a URL without a path is the service's, and gets its route; one with a path, as
 * that of a gateway, is taken as it is.
 *
 * @throws For what is no http or https URL, naming the flag.
 */
export function uploadUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^https?:$/.test(url.protocol))
    throw new Error(`--url ${text}: not a URL; write http://host:port, with ${ROUTE} or without`)
  url.pathname = url.pathname === '/' ? ROUTE : url.pathname.replace(/\/+$/, '')
  return url.href
}
