/**
 * The OTLP receiver: two ports, one way in. It answers a request only when the pipelines have taken it, so that a
 * client that got an answer may forget what it sent.
 */
import type { Http2Server, ServerHttp2Session } from 'node:http2'
import type { Signal } from '@spoor/otlp'
import {
  createLogLimiter,
  portClaims,
  type Component,
  type Consumer,
  type Context,
  type Listening,
  type LogLimiter,
} from '../../component/index.ts'
import type { OtlpReceiverConfig } from './config.ts'
import { createConverter, type Converter } from './conversion.ts'
import { createGrpcServer } from './grpc.ts'
import { createHttpServer } from './http.ts'
import { createIntake, type IntakeControl, type Transport } from './intake.ts'
import { listen, type Listener } from './listener.ts'
import { createHttp1Refusal, createHttp2Refusal, createReport, type Report } from './wrong-protocol.ts'

interface Port {
  readonly transport: Transport
  readonly listener: Listener
  readonly intake: IntakeControl
  /** Tells the connections to finish: no further request after those that are under way. */
  goAway(): void
}

const LOG_INTERVAL_MS = 60_000
/** How long connections are given to end by themselves once all requests are answered. */
const LINGER_MS = 100

export class OtlpReceiver implements Component {
  readonly claims: readonly string[]
  readonly #context: Context
  readonly #config: OtlpReceiverConfig
  readonly #next: ReadonlyMap<Signal, Consumer>
  readonly #report: Report
  readonly #log: LogLimiter
  readonly #converter: Converter = createConverter()
  #ports: Port[] = []

  constructor(context: Context, config: OtlpReceiverConfig, next: ReadonlyMap<Signal, Consumer>) {
    const { grpc, http } = config.protocols
    this.claims = portClaims(...[grpc, http].flatMap((port) => (port ? [port.endpoint] : [])))
    this.#context = context
    this.#config = config
    this.#next = next
    this.#report = createReport(context)
    this.#log = createLogLimiter(context.logger, LOG_INTERVAL_MS)
  }

  async start(): Promise<void> {
    const { grpc, http } = this.#config.protocols
    try {
      if (grpc) this.#ports.push(await this.#openGrpc(grpc))
      if (http) this.#ports.push(await this.#openHttp(http))
    } catch (error) {
      await this.shutdown(AbortSignal.abort())
      throw error
    }
    for (const { transport, listener } of this.#ports) {
      const labels = { receiver: this.#context.id, transport }
      this.#context.counters.gauge('spoor_receiver_connections', labels, () => listener.connections)
      const fields = { component: this.#context.id, endpoint: listener.address }
      this.#context.logger.info(fields, transport === 'grpc' ? 'Starting GRPC server' : 'Starting HTTP server')
    }
  }

  listening(): readonly Listening[] {
    return this.#ports.map(({ transport, listener }) => ({ protocol: transport, address: listener.address }))
  }

  async shutdown(signal: AbortSignal): Promise<void> {
    const ports = this.#ports
    this.#ports = []
    for (const port of ports) port.listener.stop()
    const drained = Promise.all(ports.map((port) => port.intake.close()))
    for (const port of ports) port.goAway()
    const requests = ports.reduce((sum, port) => sum + port.intake.active, 0)
    if (requests > 0 && !(await settledBefore(drained, signal))) {
      const active = ports.reduce((sum, port) => sum + port.intake.active, 0)
      this.#context.logger.warn(
        { component: this.#context.id, requests: active },
        'requests were cut off at the deadline; their clients got no answer and will send them again',
      )
    }
    // The last answers leave before the connections are cut.
    for (const port of ports) port.goAway()
    await settledBefore(Promise.all(ports.map((port) => port.listener.closed())), AbortSignal.timeout(LINGER_MS))
    for (const port of ports) port.listener.destroy()
    await this.#converter.close()
  }

  async #openGrpc(config: NonNullable<OtlpReceiverConfig['protocols']['grpc']>): Promise<Port> {
    const intake = createIntake(this.#context, 'grpc', this.#next, this.#converter)
    const labels = { receiver: this.#context.id, transport: 'grpc', reason: 'idle' }
    const idle = this.#context.counters.counter('spoor_receiver_dropped_connections', labels)
    const server = createGrpcServer(
      config,
      intake,
      () => hostOf(listener),
      () => idle.value++,
    )
    const refusal = createHttp1Refusal(() => this.#hint('http'), this.#report)
    const goAway = trackSessions(server)
    const listener: Listener = await listen(config.endpoint, config.tls, {
      http2: (socket) => server.emit('connection', socket),
      http1: (socket) => refusal.emit('connection', socket),
      tlsWithoutConfig: () => this.#reportTls('grpc'),
      tooMany: (connections) => this.#reportTooMany('grpc', connections),
    })
    return { transport: 'grpc', listener, intake, goAway }
  }

  async #openHttp(config: NonNullable<OtlpReceiverConfig['protocols']['http']>): Promise<Port> {
    const intake = createIntake(this.#context, 'http', this.#next, this.#converter)
    const server = createHttpServer(config, intake, () => hostOf(listener))
    const refusal = createHttp2Refusal(() => this.#hint('grpc'), this.#report)
    const listener: Listener = await listen(config.endpoint, config.tls, {
      http1: (socket) => server.emit('connection', socket),
      http2: (socket) => refusal.emit('connection', socket),
      tlsWithoutConfig: () => this.#reportTls('http'),
      tooMany: (connections) => this.#reportTooMany('http', connections),
    })
    return { transport: 'http', listener, intake, goAway: () => void server.close() }
  }

  #reportTls(transport: Transport): void {
    this.#report(
      transport,
      'a client speaks TLS to a port without TLS; set tls in the receiver, or insecure in the client',
    )
  }

  #reportTooMany(transport: Transport, connections: number): void {
    const { id, counters } = this.#context
    counters.counter('spoor_receiver_dropped_connections', { receiver: id, transport, reason: 'too_many' }).value++
    const message =
      'Cut a connection, as there are as many as the receiver takes; find out who opens them and does not close them'
    this.#log.warn('too_many', { component: id, transport, connections }, message)
  }

  /** Where the other protocol is. */
  #hint(transport: Transport): string {
    const name = transport === 'grpc' ? 'OTLP/gRPC' : 'OTLP/HTTP'
    const port = this.#ports.find((other) => other.transport === transport)
    if (!port) return `${name} is not configured in receiver ${this.#context.id}`
    const config = this.#config.protocols[transport]
    const scheme = config?.tls ? 'https' : 'http'
    const paths = transport === 'http' ? ` (POST ${this.#config.protocols.http?.traces_url_path})` : ''
    // An address that means all interfaces is none that a client can use.
    const address = port.listener.address.replace(/^(\[::\]|0\.0\.0\.0):/, 'localhost:')
    return `${name} is at ${scheme}://${address}${paths}`
  }
}

/** The address without its port. */
function hostOf(listener: Listener): string {
  return listener.address.slice(0, listener.address.lastIndexOf(':'))
}

/** GOAWAY for every session that is open when the returned function is called. */
function trackSessions(server: Http2Server): () => void {
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', (session) => {
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
  })
  return () => sessions.forEach((session) => session.close())
}

/** Whether the promise settled before the signal aborted. */
async function settledBefore(promise: Promise<unknown>, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false
  return new Promise((resolve) => {
    const onAbort = (): void => resolve(false)
    signal.addEventListener('abort', onAbort, { once: true })
    const done = (): void => {
      signal.removeEventListener('abort', onAbort)
      resolve(true)
    }
    promise.then(done, done)
  })
}
