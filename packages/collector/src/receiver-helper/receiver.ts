/**
 * A receiver that listens on ports. It answers a request only when the pipelines have taken it, so that a
 * client that got an answer may forget what it sent.
 */
import type { Signal } from '@spoor/otlp'
import {
  createLogLimiter,
  createTroubles,
  extensionOf,
  portClaims,
  type Component,
  type Consumer,
  type Context,
  type Host,
  type Listening,
  type LogLimiter,
  type Troubles,
} from '../component/index.ts'
import type { Transport } from './intake.ts'
import { openPort, type Port, type PortSettings } from './port.ts'

const LOG_INTERVAL_MS = 60_000
/** How long connections are given to end by themselves once all requests are answered. */
const LINGER_MS = 100
/** The same where a successor has the ports: until then their clients may still come on the connections that they have. */
const YIELDED_MS = 1_000

export interface ReceiverOptions {
  /** In the order in which they are opened. */
  readonly ports: readonly PortSettings[]
  /** Called once no request is being worked on any more. */
  readonly close?: () => Promise<void>
}

/** `next`: what the receiver feeds, by signal. */
export function createReceiver(
  context: Context,
  next: ReadonlyMap<Signal, Consumer>,
  options: ReceiverOptions,
): Component {
  return new HelpedReceiver(context, next, options)
}

class HelpedReceiver implements Component {
  readonly claims: readonly string[]
  readonly #context: Context
  readonly #next: ReadonlyMap<Signal, Consumer>
  readonly #options: ReceiverOptions
  readonly #log: LogLimiter
  readonly #troubles: Troubles
  #ports: Port[] = []
  #isYielded = false

  constructor(context: Context, next: ReadonlyMap<Signal, Consumer>, options: ReceiverOptions) {
    this.claims = options.ports.flatMap(({ endpoint, network }) =>
      network === 'unix' ? [`unix ${endpoint}`] : portClaims(endpoint),
    )
    this.#context = context
    this.#next = next
    this.#options = options
    this.#log = createLogLimiter(context.logger, LOG_INTERVAL_MS)
    this.#troubles = createTroubles(context.report)
  }

  async start(host: Host): Promise<void> {
    try {
      for (const settings of this.#options.ports) await this.#open(settings, host)
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

  /** Certificates that have changed hold from now on. */
  refresh(): void {
    for (const { listener } of this.#ports) listener.refresh()
  }

  listening(): readonly Listening[] {
    return this.#ports.map(({ transport, listener }) => ({ protocol: transport, address: listener.address }))
  }

  yieldPorts(): void {
    this.#isYielded = true
    for (const port of this.#ports) port.yield()
  }

  async shutdown(signal: AbortSignal): Promise<void> {
    const ports = this.#ports
    this.#ports = []
    if (this.#isYielded) {
      const left = Promise.all(ports.map((port) => port.listener.closed()))
      await settledBefore(left, AbortSignal.any([signal, AbortSignal.timeout(YIELDED_MS)]))
      // What came while this process had no time to read it is read before it is too late.
      await new Promise(setImmediate)
    }
    for (const port of ports) port.listener.stop()
    const drained = Promise.all(ports.map((port) => port.close()))
    for (const port of ports) port.goAway()
    const requests = ports.reduce((sum, port) => sum + port.active, 0)
    if (requests > 0 && !(await settledBefore(drained, signal))) {
      const active = ports.reduce((sum, port) => sum + port.active, 0)
      this.#context.logger.warn(
        { component: this.#context.id, requests: active },
        'requests were cut off at the deadline; their clients got no answer and will send them again',
      )
    }
    // The last answers leave before the connections are cut.
    for (const port of ports) port.goAway()
    await settledBefore(Promise.all(ports.map((port) => port.listener.closed())), AbortSignal.timeout(LINGER_MS))
    for (const port of ports) port.listener.destroy()
    await this.#options.close?.()
  }

  async #open(settings: PortSettings, host: Host): Promise<void> {
    const { transport, auth } = settings
    const admission = auth && {
      authenticator: extensionOf(host, auth.authenticator, 'serverAuthenticator'),
      requestParams: auth.request_params.map((name) => name.toLowerCase()),
    }
    const port = await openPort(this.#context, this.#next, settings, admission, {
      acceptFailed: (error) => this.#reportAccept(settings, error),
      tlsFilesChanged: (problem) => this.#reportFiles(transport, problem),
      tooMany: (connections) => this.#reportTooMany(transport, connections),
    })
    this.#ports.push(port)
  }

  #reportAccept({ transport, endpoint }: PortSettings, error: Error | undefined): void {
    if (!error) return this.#troubles.clear(`accept ${transport}`)
    const message = `connections to ${endpoint} cannot be accepted: ${error.message}`
    this.#troubles.set(`accept ${transport}`, 'recoverable_error', message)
    this.#log.warn(
      'accept',
      { component: this.#context.id, transport, error: error.message },
      'A connection could not be accepted.',
    )
  }

  #reportFiles(transport: Transport, problem: Error | undefined): void {
    const fields = { component: this.#context.id, transport }
    if (!problem) {
      this.#troubles.clear(`tls ${transport}`)
      return this.#log.info('tls_files', fields, 'The certificate or key has changed, and holds from now on.')
    }
    this.#troubles.set(`tls ${transport}`, 'recoverable_error', problem.message)
    const message = 'A certificate or key has changed and cannot be used. What was read before goes on to hold.'
    this.#log.warn('tls_files_failed', { ...fields, error: problem.message }, message)
  }

  #reportTooMany(transport: Transport, connections: number): void {
    const { id, counters } = this.#context
    counters.counter('spoor_receiver_dropped_connections', { receiver: id, transport, reason: 'too_many' }).value++
    const message =
      'Cut a connection, as there are as many as the receiver takes; find out who opens them and does not close them'
    this.#log.warn('too_many', { component: id, transport, connections }, message)
  }
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
