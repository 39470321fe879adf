/** Reads topics of Kafka as a member of a group, and begins anew when that cannot go on. */
import type { Signal } from '@spoor/otlp'
import {
  aborted,
  createLogLimiter,
  createTroubles,
  sleep,
  toCollectorError,
  type Component,
  type Consumer,
  type Context,
  type Troubles,
} from '../../component/index.ts'
import { clientSettings } from '../../kafka-helper/index.ts'
import type { KafkaReceiverConfig } from './config.ts'
import { createDeliveries, type Deliveries } from './delivery.ts'
import { Session, type OpenGroup } from './session.ts'

/** Between one membership that could not go on and the next. Milliseconds. */
const FIRST_WAIT_MS = 500
const LAST_WAIT_MS = 10_000
const LOG_INTERVAL_MS = 10_000
/** From when on a membership that ends counts as one that had worked. Milliseconds. */
const STEADY_MS = 60_000

export class KafkaReceiver implements Component {
  /** A member that keeps its name over restarts is one at a time. */
  readonly claims: readonly string[]
  readonly #context: Context
  readonly #config: KafkaReceiverConfig
  readonly #topics: readonly string[]
  readonly #deliveries: Deliveries
  readonly #open: OpenGroup
  readonly #troubles: Troubles
  readonly #stopping = new AbortController()
  #session: Session | undefined
  #running: Promise<void> = Promise.resolve()

  constructor(context: Context, config: KafkaReceiverConfig, next: ReadonlyMap<Signal, Consumer>, open: OpenGroup) {
    const { group_id: group, group_instance_id: instance } = config
    this.claims = instance === '' ? [] : [`kafka ${group} ${instance}`]
    this.#context = context
    this.#config = config
    this.#topics = [...next.keys()].flatMap((signal) => config[signal].topics)
    this.#deliveries = createDeliveries(context, config, next)
    this.#troubles = createTroubles(context.report)
    this.#open = open
  }

  /** Brokers that are away do not keep it from starting; a certificate that cannot be read does. */
  async start(): Promise<void> {
    clientSettings(this.#context, 'receivers', this.#config, () => {}).close()
    this.#running = this.#run()
  }

  async shutdown(signal: AbortSignal): Promise<void> {
    this.#stopping.abort()
    await this.#session?.close(signal)
    await Promise.race([this.#running, aborted(signal)])
  }

  finish(): void {
    this.#deliveries.close()
  }

  refresh(): void {
    this.#session?.refresh()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    const log = createLogLimiter(this.#context.logger, LOG_INTERVAL_MS)
    let waitMs = FIRST_WAIT_MS
    while (!signal.aborted) {
      const startedAt = performance.now()
      const session = new Session({
        context: this.#context,
        config: this.#config,
        deliveries: this.#deliveries,
        topics: this.#topics,
        open: this.#open,
        trouble: (name, problem, isPermanent) => this.#trouble(name, problem, isPermanent),
      })
      this.#session = session
      try {
        await session.run(signal)
        // Who stops has closed it.
        return
      } catch (error) {
        if (signal.aborted) return
        const { message } = toCollectorError(error)
        this.#troubles.set('group', 'recoverable_error', message)
        log.warn('group', { component: this.#context.id, error: message }, 'Kafka cannot be read. Trying again.')
        await session.close(AbortSignal.timeout(LAST_WAIT_MS))
      }
      if (performance.now() - startedAt > STEADY_MS) waitMs = FIRST_WAIT_MS
      await sleep(waitMs, signal)
      waitMs = Math.min(2 * waitMs, LAST_WAIT_MS)
    }
  }

  #trouble(name: string, problem: string | undefined, isPermanent = false): void {
    if (problem !== undefined) this.#troubles.set(name, isPermanent ? 'permanent_error' : 'recoverable_error', problem)
    else this.#troubles.clear(name)
    // Whatever says that something is well again is of a membership.
    if (problem === undefined && (name === 'fetch' || name === 'topics')) this.#troubles.clear('group')
  }
}
