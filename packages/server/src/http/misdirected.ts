/** What comes to the page's port and is meant for another one: told to the ledger of senders, so that it does not go without a trace. */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { LedgerDoor } from '@spoor/collector'
import type { ConnectionError } from 'fastify'

const TLS_HANDSHAKE = 0x16
/** Who asks Spoor's own API for what it has not is no sender of spans. */
const OWN = '/api/spoor/'
const HTTP2 = 'PRI * HTTP/2.0'

export interface Misdirected {
  /** A request for which there is no route. */
  request(request: IncomingMessage): void
  /** A connection whose bytes are none of HTTP/1. */
  connection(error: ConnectionError, socket: Socket): void
}

export function createMisdirected(door: LedgerDoor): Misdirected {
  return {
    request({ method, url = '', headers, socket }) {
      const path = url.split('?', 1)[0]!
      if ((method !== 'POST' && method !== 'OPTIONS') || path.startsWith(OWN)) return
      const facts = {
        method,
        path,
        authority: headers.host,
        origin: headers.origin,
        contentType: headers['content-type'],
      }
      door
        .sender(socket, headers['user-agent'])
        .refused('wrong_port', `${method} ${path}: nothing takes spans here`, facts)
    },
    connection({ rawPacket, code }, socket) {
      const first = (rawPacket as unknown as Buffer | undefined) ?? Buffer.alloc(0)
      if (first.length === 0 || code === 'HPE_HEADER_OVERFLOW') return
      const sender = door.sender(socket)
      if (first[0] === TLS_HANDSHAKE)
        sender.refused('tls_to_plain_port', 'a client speaks TLS to the page’s port, which has none; write http://')
      else if (first.subarray(0, HTTP2.length).toString('latin1') === HTTP2)
        sender.refused('wrong_port', 'gRPC came to the page’s port', { wants: 'grpc' })
      else sender.refused('wrong_protocol', `what came to the page’s port is no HTTP/1.1 (${code})`)
    },
  }
}
