/**
 * A port that looks at the first bytes of each connection before a protocol gets it.
 *
 *     "PRI * HTTP/2.0…"   HTTP/2 with prior knowledge, which gRPC uses
 *     0x16                a TLS handshake (on a port without TLS)
 *     anything else       HTTP/1, whose parser also refuses garbage
 */
import { lstatSync, unlinkSync } from 'node:fs'
import net from 'node:net'
import tls from 'node:tls'
import {
  CollectorError,
  createTlsFiles,
  formatHostPort,
  listenError,
  parseHostPort,
  type TlsFiles,
} from '../component/index.ts'
import { serverTlsOptions, type Network, type ServerTls } from './config.ts'

/** `endpoint`: `host:port`, or the path of a socket. */
export interface Where {
  readonly endpoint: string
  readonly network: Network
}

export interface Handlers {
  http1(socket: net.Socket): void
  http2(socket: net.Socket): void
  /** A connection was cut, as there are {@link MAX_CONNECTIONS}. */
  tooMany?(connections: number): void
  /** A client that speaks TLS to a port that has none; `hello`: its first bytes. The socket is closed after the call. */
  tlsWithoutConfig(socket: net.Socket, hello: Buffer): void
  /** A client with which no TLS connection came about, on a port that has it. */
  tlsFailed?(error: Error & { readonly code?: string }, socket: net.Socket): void
  /** A connection could not be accepted, as where the process has no more files; undefined: the next one could. */
  acceptFailed?(error: Error | undefined): void
  /** The files of TLS have changed; `problem`: why they cannot be used, and what was read before goes on to hold. */
  tlsFilesChanged?(problem?: Error): void
}

export interface Listener {
  /** Where it listens, like `127.0.0.1:4317`. */
  readonly address: string
  /** Connections that are open. */
  readonly connections: number
  /** Reads the files of TLS anew: what has changed holds for connections from now on. */
  refresh(): void
  /** Leaves the address to whoever listens on it next: what comes meanwhile waits for that one. Where nobody does, `stop` ends it. */
  yield(): void
  /** Takes no new connections; those that are open stay. */
  stop(): void
  /** Resolves when no connection is left. */
  closed(): Promise<void>
  /** Cuts every connection. */
  destroy(): void
}

/** A connection that has not sent its first bytes by then is closed. Milliseconds. */
const FIRST_BYTES_TIMEOUT_MS = 60_000
/**
 * Connections at a time; what comes beyond is cut at once. One that is idle takes some 10 kB here, and a descriptor,
 * of which a process may have 20,000 or more by default on a server.
 */
const MAX_CONNECTIONS = 20_000
/** The kernel asks after peers that have been silent for so long, and so finds those that are gone. */
const KEEP_ALIVE_MS = 60_000
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n')

/** Connections as the system has them, for whoever listens there: a successor takes it over, so that nobody is refused in between. */
interface Acceptor {
  readonly server: net.Server
  /** Undefined while it is handed over. */
  owner: Owner | undefined
  /** What has come while nobody had it. */
  readonly waiting: net.Socket[]
}

interface Owner {
  take(socket: net.Socket): void
  dropped(): void
  failed(error: Error): void
}

/** Those that wait for a successor, and of whom, by what they listen on. */
const yielded = new Map<string, { readonly acceptor: Acceptor; readonly from: Owner }>()

/** Listens on `endpoint`, `host:port`. Rejects with `listen` when that cannot be. */
export async function listen(
  where: Where,
  tlsConfig: ServerTls | undefined,
  handlers: Handlers,
  maxConnections = MAX_CONNECTIONS,
): Promise<Listener> {
  const sockets = new Set<net.Socket>()
  let allClosed: (() => void) | undefined
  const serve = (socket: net.Socket): void => dispatch(socket, tlsConfig !== undefined, handlers)
  const files = tlsConfig && openTls(tlsConfig, handlers, (options) => secure?.setSecureContext(options))
  // It does not listen itself, and is handed its connections.
  const secure = files && tls.createServer({ ...files.options, ALPNProtocols: ['h2', 'http/1.1'] }, serve)
  secure?.on('tlsClientError', (error: Error, socket: net.Socket) => handlers.tlsFailed?.(error, socket))
  let accepts = true
  const noteAccept = (error?: Error): void => {
    if (accepts && !error) return
    accepts = error === undefined
    handlers.acceptFailed?.(error)
  }
  const owner: Owner = {
    take(socket) {
      noteAccept()
      sockets.add(socket)
      socket.once('close', () => {
        sockets.delete(socket)
        if (sockets.size === 0) allClosed?.()
      })
      if (secure) secure.emit('connection', socket)
      else serve(socket)
    },
    dropped: () => handlers.tooMany?.(sockets.size),
    failed: noteAccept,
  }
  let acceptor: Acceptor
  try {
    acceptor = await accept(where, owner)
  } catch (error) {
    files?.stop()
    throw error
  }
  const { server } = acceptor
  server.maxConnections = maxConnections
  const address = addressOf(server)
  return {
    address,
    get connections() {
      return sockets.size
    },
    refresh: () => void files?.refresh(),
    yield() {
      files?.stop()
      acceptor.owner = undefined
      yielded.set(keyOf(where), { acceptor, from: owner })
    },
    stop() {
      files?.stop()
      if (acceptor.owner === owner) server.close()
      else end(where, owner)
    },
    async closed() {
      if (sockets.size > 0) await new Promise<void>((resolve) => (allClosed = resolve))
    },
    destroy: () => sockets.forEach((socket) => socket.destroy()),
  }
}

function keyOf({ network, endpoint }: Where): string {
  return `${network} ${endpoint}`
}

/** The one that was left at this address, or a new one. */
async function accept(where: Where, owner: Owner): Promise<Acceptor> {
  const left = yielded.get(keyOf(where))?.acceptor
  if (left) {
    yielded.delete(keyOf(where))
    left.owner = owner
    for (const socket of left.waiting.splice(0)) if (!socket.destroyed) owner.take(socket)
    return left
  }
  for (const [key, { acceptor }] of yielded) {
    if (!isSamePort(where, acceptor)) continue
    yielded.delete(key)
    close(acceptor)
  }
  const server = net.createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS })
  const acceptor: Acceptor = { server, owner, waiting: [] }
  server.on('connection', (socket: net.Socket) => {
    if (acceptor.owner) return acceptor.owner.take(socket)
    socket.on('error', () => socket.destroy())
    acceptor.waiting.push(socket)
  })
  server.on('drop', () => acceptor.owner?.dropped())
  await bind(server, where)
  server.on('error', (error) => acceptor.owner?.failed(error))
  return acceptor
}

/** Whether what was left at another address is in the way. */
function isSamePort({ endpoint, network }: Where, { server }: Acceptor): boolean {
  const bound = server.address()
  return network !== 'unix' && typeof bound === 'object' && bound?.port === parseHostPort(endpoint).port
}

/** What nobody has taken over from this owner; what a later one has left there is that one's. */
function end(where: Where, owner: Owner): void {
  const left = yielded.get(keyOf(where))
  if (left?.from !== owner) return
  yielded.delete(keyOf(where))
  close(left.acceptor)
}

function close({ server, waiting }: Acceptor): void {
  server.close()
  for (const socket of waiting.splice(0)) socket.destroy()
}

/** Rejects with `listen`. */
async function bind(server: net.Server, where: Where): Promise<void> {
  try {
    await tryToBind(server, where)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // Of one that ended without taking its socket with it.
    if (where.network !== 'unix' || code !== 'EADDRINUSE' || !(await isDead(where.endpoint)))
      throw refused(where, error)
    unlinkSync(where.endpoint)
    await tryToBind(server, where).catch((error: unknown) => Promise.reject(refused(where, error)))
  }
}

function tryToBind(server: net.Server, { endpoint, network }: Where): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(network === 'unix' ? { path: endpoint } : hostAndPort(endpoint, network), () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function hostAndPort(endpoint: string, network: Network): net.ListenOptions {
  const { host, port } = parseHostPort(endpoint)
  if (network === 'tcp6') return { port, host: host === 'localhost' ? '::1' : host || '::', ipv6Only: true }
  // Go's choice for this name, too; a client that finds ::1 first goes on to the other address.
  const address = host === 'localhost' ? '127.0.0.1' : host || (network === 'tcp4' ? '0.0.0.0' : '')
  return { port, ...(address === '' ? {} : { host: address }) }
}

function refused({ endpoint }: Where, error: unknown): CollectorError {
  return listenError(endpoint, error as NodeJS.ErrnoException)
}

/** Whether a socket is there and nobody listens on it. */
async function isDead(path: string): Promise<boolean> {
  // Any other file refuses connections as well.
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSocket()) return false
  return new Promise((resolve) => {
    const socket = net.connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(false)
    })
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'ECONNREFUSED'))
  })
}

function addressOf(server: net.Server): string {
  const bound = server.address()
  if (bound === null || typeof bound === 'string') return `unix:${bound ?? ''}`
  return formatHostPort(bound.address, bound.port)
}

function dispatch(socket: net.Socket, secure: boolean, handlers: Handlers): void {
  let head: Buffer | undefined
  // Resets by the client come here; whoever handles the requests hears of them by their own streams.
  socket.on('error', () => socket.destroy())
  socket.setTimeout(FIRST_BYTES_TIMEOUT_MS, () => socket.destroy())
  const onReadable = (): void => {
    const data = socket.read() as Buffer | null
    if (!data) return
    head = head ? Buffer.concat([head, data]) : data
    const compared = Math.min(head.length, PREFACE.length)
    const isPreface = head.compare(PREFACE, 0, compared, 0, compared) === 0
    if (isPreface && head.length < PREFACE.length) return
    socket.off('readable', onReadable)
    socket.setTimeout(0)
    socket.removeAllListeners('timeout')
    if (!secure && head[0] === 0x16) {
      handlers.tlsWithoutConfig(socket, head)
      socket.destroy()
      return
    }
    socket.unshift(head)
    if (isPreface) handlers.http2(socket)
    else handlers.http1(socket)
  }
  socket.on('readable', onReadable)
}

/** `client_ca_file_reload` looks so often. Milliseconds. */
const CLIENT_CA_LOOK_MS = 1000

function openTls(
  config: ServerTls,
  handlers: Handlers,
  use: (options: tls.TlsOptions) => void,
): TlsFiles<tls.TlsOptions> {
  const intervalMs = config.reload_interval || (config.client_ca_file_reload ? CLIENT_CA_LOOK_MS : 0)
  try {
    return createTlsFiles(() => serverTlsOptions(config), intervalMs, {
      changed(options) {
        use(options)
        handlers.tlsFilesChanged?.()
      },
      failed: (error) => handlers.tlsFilesChanged?.(error),
    })
  } catch (error) {
    throw new CollectorError('listen', (error as Error).message, { cause: error })
  }
}
