/** Where calls go, by what both sides of one name alike. Old names of attributes, too. */
import type { SeenTrace } from './seen-trace.ts'

const [PRODUCER, CONSUMER] = [4, 5]

/** `orders:8080` of HTTP and gRPC, the destination of messages. */
export function addressOf(seen: SeenTrace, row: number): string | undefined {
  const destination = seen.attribute(row, 'messaging.destination.name', 'messaging.destination')
  if (destination !== undefined) return `messages to ${destination}`
  if (seen.trace.kind[row] === PRODUCER || seen.trace.kind[row] === CONSUMER) return undefined
  const host = seen.attribute(row, 'server.address', 'net.peer.name', 'http.host', 'net.host.name')
  if (host === undefined) return authorityOf(seen.attribute(row, 'url.full', 'http.url'))
  const port = seen.attribute(row, 'server.port', 'net.peer.port', 'net.host.port')
  const name = host.toLowerCase()
  return port === undefined || /:\d+$/.test(name) ? name : `${name}:${port}`
}

function authorityOf(url: string | undefined): string | undefined {
  if (url === undefined || !URL.canParse(url)) return undefined
  const { hostname, port, protocol } = new URL(url)
  return hostname === '' ? undefined : `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`
}

/** `/items` of HTTP, without its query; `shop.Cart/Get` of gRPC. Undefined where it is neither. */
export function pathOf(seen: SeenTrace, row: number): string | undefined {
  const method = seen.attribute(row, 'rpc.method')
  if (method !== undefined) return [seen.attribute(row, 'rpc.service'), method].filter(Boolean).join('/')
  const path = seen.attribute(row, 'url.path', 'http.target')
  if (path !== undefined) return path.split(/[?#]/, 1)[0]
  const url = seen.attribute(row, 'url.full', 'http.url')
  return url !== undefined && URL.canParse(url) ? new URL(url).pathname : undefined
}
