import { isIP } from 'node:net'

/** Whether an address or name can be reached from this machine only. */
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
 * Against DNS rebinding: a web page of some other site can make its own name resolve to 127.0.0.1 and then read the
 * traces as if they were its own. A server that listens on loopback therefore answers only to names that mean loopback.
 * One that listens elsewhere was opened on purpose and answers to any.
 */
export function hostAllowed(header: string | undefined, listenHost: string): boolean {
  if (!isLoopback(listenHost)) return true
  const name = header === undefined ? undefined : hostNameOf(header)
  return name !== undefined && isLoopback(name)
}
