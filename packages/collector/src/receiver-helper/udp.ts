/**
 * A receiver of datagrams. Nobody hears an answer: what cannot be taken is lost, counted by reason, and told in the ledger of senders. The bytes that wait are within
 * the one budget for bytes in flight, as those of any request.
 */
import type { RemoteInfo } from 'node:dgram'
import type { Signal } from '@spoor/otlp'
import {
  CollectorError,
  createLogLimiter,
  formatHostPort,
  parseHostPort,
  toCollectorError,
  type Component,
  type Consumer,
  type Context,
  type Listening,
  type LogLimiter,
  type SenderAccount,
} from '../component/index.ts'
import type { Call } from './call.ts'
import { createIntake, type Intake } from './intake.ts'
import { kernelDrops } from './kernel-drops.ts'
import { takeTranslated, type Translate } from './translated.ts'
import { closeUdp, openUdp, yieldUdp, type UdpOwner, type UdpSocket } from './udp-socket.ts'

const LOG_INTERVAL_MS = 60_000

export interface UdpSettings {
  /** What it is called in counters and in the ledger. */
  readonly transport: string
  readonly endpoint: string
  /** The section of its keys, for errors. */
  readonly section: string
  /** Datagrams that wait until one that was taken before is done, at most. */
  readonly queueSize: number
  /** Bytes. */
  readonly maxPacketSize: number
  /** Datagrams whose spans are with the pipelines at a time. */
  readonly workers: number
  /** The kernel's buffer in bytes. 0: as the system has it. */
  readonly socketBufferSize: number
  readonly translate: Translate
}

/** `next`: what the receiver feeds, by signal. */
export function createUdpReceiver(
  context: Context,
  next: ReadonlyMap<Signal, Consumer>,
  settings: UdpSettings,
): Component {
  return new UdpReceiver(context, next, settings)
}

interface Waiting {
  readonly packet: Buffer
  readonly call: Call
}

class UdpReceiver implements Component, UdpOwner {
  readonly claims: readonly string[]
  readonly #context: Context
  readonly #settings: UdpSettings
  readonly #intake: Intake
  readonly #log: LogLimiter
  readonly #waiting: Waiting[] = []
  #active = 0
  #drained: (() => void) | undefined
  #udp: UdpSocket | undefined
  #removeGauge: (() => void) | undefined

  constructor(context: Context, next: ReadonlyMap<Signal, Consumer>, settings: UdpSettings) {
    const { port } = parseHostPort(settings.endpoint)
    this.claims = port === 0 ? [] : [`udp ${port}`]
    this.#context = context
    this.#settings = settings
    this.#intake = createIntake(context, settings.transport, next)
    this.#log = createLogLimiter(context.logger, LOG_INTERVAL_MS)
  }

  async start(): Promise<void> {
    const { endpoint, transport, socketBufferSize } = this.#settings
    const { id, counters, logger } = this.#context
    const udp = (this.#udp = await openUdp(endpoint, this))
    if (socketBufferSize > 0) this.#enlarge(udp, socketBufferSize)
    const { address, port } = udp.socket.address()
    const labels = { receiver: id, transport, reason: 'socket_buffer' }
    this.#removeGauge = counters.gauge('spoor_receiver_dropped_packets', labels, () => kernelDrops(port, udp.family))
    logger.info({ component: id, endpoint: formatHostPort(address, port) }, 'Starting UDP server')
  }

  listening(): readonly Listening[] {
    if (!this.#udp) return []
    const { address, port } = this.#udp.socket.address()
    return [{ protocol: this.#settings.transport, address: formatHostPort(address, port) }]
  }

  yieldPorts(): void {
    if (this.#udp) yieldUdp(this.#udp)
  }

  take(packet: Buffer, { address, port }: RemoteInfo): void {
    const peer = { remoteAddress: address, remotePort: port }
    const sender = this.#intake.sender(peer)
    const { maxPacketSize, queueSize, workers, section } = this.#settings
    if (packet.length > maxPacketSize) {
      const text = `a packet of ${packet.length} bytes, at most ${maxPacketSize}; send smaller batches or raise ${section}.max_packet_size`
      return this.#lose(new CollectorError('too_large', text), sender)
    }
    if (this.#active >= workers && this.#waiting.length >= queueSize) {
      const text = `${this.#waiting.length} packets wait for the pipelines; see what is slow there, or raise ${section}.queue_size`
      return this.#lose(new CollectorError('overloaded', text), sender, 'queue_full')
    }
    const call = this.#intake.open(() => {}, sender, peer)
    const { lease } = call
    if (!lease.grow(packet.length)) {
      lease.release()
      return this.#lose(this.#context.budget.refusal(packet.length), sender)
    }
    // It waits for the pipelines, not for its sender.
    lease.move('body')
    this.#waiting.push({ packet, call })
    this.#work()
  }

  failed(error: Error): void {
    const { transport } = this.#settings
    this.#log.warn(
      'receive',
      { component: this.#context.id, transport, error: error.message },
      'A packet could not be received.',
    )
  }

  async shutdown(signal: AbortSignal): Promise<void> {
    const udp = this.#udp
    if (!udp) return
    this.#udp = undefined
    this.#removeGauge?.()
    closeUdp(udp, this)
    if (this.#active > 0) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve
        signal.addEventListener('abort', () => resolve(), { once: true })
        if (signal.aborted) resolve()
      })
    }
    const stopped = new CollectorError('unavailable', 'the collector stopped before the pipelines had taken it')
    for (const { call } of this.#waiting.splice(0)) {
      call.lease.release()
      this.#lose(stopped, call.sender, 'shutdown')
    }
  }

  #work(): void {
    while (this.#active < this.#settings.workers && this.#waiting.length > 0) {
      const { packet, call } = this.#waiting.shift()!
      this.#active++
      void takeTranslated(this.#intake, this.#settings.translate, packet, call)
        .catch((error: unknown) => this.#lose(error, call.sender))
        .then(() => {
          this.#active--
          this.#work()
          if (this.#active === 0) this.#drained?.()
        })
    }
  }

  #lose(thrown: unknown, sender: SenderAccount, reason: string = toCollectorError(thrown).code): void {
    const { id, counters } = this.#context
    const labels = { receiver: id, transport: this.#settings.transport, reason }
    counters.counter('spoor_receiver_dropped_packets', labels).value++
    this.#intake.refuse(thrown, sender, reason)
  }

  #enlarge({ socket }: UdpSocket, bytes: number): void {
    socket.setRecvBufferSize(bytes)
    const got = socket.getRecvBufferSize()
    if (got >= bytes) return
    const message = `The system gives a smaller buffer than ${this.#settings.section}.socket_buffer_size; raise net.core.rmem_max.`
    this.#context.logger.warn({ component: this.#context.id, wanted: bytes, got }, message)
  }
}
