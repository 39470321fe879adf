/** Sockets for datagrams, which a successor takes over in a reload, so that what comes meanwhile is read. */
import dgram from 'node:dgram'
import { lookup } from 'node:dns/promises'
import net from 'node:net'
import { listenError, parseHostPort } from '../component/index.ts'

/** Gets each datagram that comes. */
export interface UdpOwner {
  take(packet: Buffer, from: dgram.RemoteInfo): void
  failed(error: Error): void
}

export interface UdpSocket {
  readonly endpoint: string
  readonly socket: dgram.Socket
  readonly family: 4 | 6
  owner: UdpOwner
  isClosed: boolean
}

/** Those that wait for a successor; their owners have what comes until then. By port. */
const yielded = new Map<number, UdpSocket>()

/** The socket that was left for this endpoint, or a new one. Rejects with `listen`. */
export async function openUdp(endpoint: string, owner: UdpOwner): Promise<UdpSocket> {
  const { port } = parseHostPort(endpoint)
  const left = yielded.get(port)
  if (left) {
    yielded.delete(port)
    if (left.endpoint === endpoint) {
      left.owner = owner
      return left
    }
    end(left)
  }
  try {
    return await bind(endpoint, owner)
  } catch (error) {
    throw listenError(endpoint, error as NodeJS.ErrnoException)
  }
}

/** Leaves it to a successor. */
export function yieldUdp(udp: UdpSocket): void {
  yielded.set(udp.socket.address().port, udp)
}

/** Closes it, unless a successor has it. */
export function closeUdp(udp: UdpSocket, owner: UdpOwner): void {
  if (udp.owner !== owner || udp.isClosed) return
  for (const [port, left] of yielded) if (left === udp) yielded.delete(port)
  end(udp)
}

function end(udp: UdpSocket): void {
  udp.isClosed = true
  udp.socket.close()
}

async function bind(endpoint: string, owner: UdpOwner): Promise<UdpSocket> {
  const { host, port } = parseHostPort(endpoint)
  if (host === '') {
    // All interfaces, of both versions where there are both.
    try {
      return await bindTo('::', 6, port, endpoint, owner)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAFNOSUPPORT') throw error
      return bindTo('0.0.0.0', 4, port, endpoint, owner)
    }
  }
  // Go's choice for this name, too.
  const address = host === 'localhost' ? '127.0.0.1' : net.isIP(host) ? host : (await lookup(host)).address
  return bindTo(address, net.isIPv6(address) ? 6 : 4, port, endpoint, owner)
}

function bindTo(address: string, family: 4 | 6, port: number, endpoint: string, owner: UdpOwner): Promise<UdpSocket> {
  return new Promise((resolve, reject) => {
    const socket = dgram.createSocket(family === 4 ? 'udp4' : 'udp6')
    const udp: UdpSocket = { endpoint, socket, family, owner, isClosed: false }
    socket.once('error', (error) => {
      socket.close()
      reject(error)
    })
    socket.bind({ address, port }, () => {
      socket.removeAllListeners('error')
      socket.on('error', (error) => udp.owner.failed(error))
      socket.on('message', (packet, from) => udp.owner.take(packet, from))
      resolve(udp)
    })
  })
}
