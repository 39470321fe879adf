/**
 * Sends each trace, or each service, to one of several backends. Each backend has an exporter of its own, with its own queue; where one goes, what
 * it has not got goes to those that have its keys now.
 */
import { createBatch, shareMemory, type TelemetryBatch } from '@spoor/otlp'
import {
  CollectorError,
  createTroubles,
  joinErrors,
  timerMs,
  toCollectorError,
  type Component,
  type Consumer,
  type Context,
  type Counters,
  type DeliveryContext,
  type ExporterFactory,
  type Host,
  type Troubles,
} from '../../component/index.ts'
import type { LoadBalancingConfig } from './config.ts'
import { Divider } from './divide.ts'
import type { Resolver } from './resolver.ts'
import { Ring } from './ring.ts'

/** How long a backend that has gone may still take for what it is sending. Milliseconds. */
const LEAVE_MS = 5000

interface Backend {
  readonly exporter: Component & Consumer
  /** Takes its gauges away. */
  readonly forget: () => void
}

export class LoadBalancer implements Component, Consumer {
  readonly #context: Context
  readonly #config: LoadBalancingConfig
  readonly #factory: Pick<ExporterFactory<LoadBalancingConfig['protocol']['otlp']>, 'create'>
  readonly #resolver: Resolver
  readonly #divider: Divider
  readonly #troubles: Troubles
  readonly #backends = new Map<string, Backend>()
  /** Of batches whose sender heard an error: the backends that have their part nevertheless. */
  readonly #taken = new WeakMap<TelemetryBatch, ReadonlySet<string>>()
  #ring: Ring | undefined
  #host: Host | undefined
  #timer: NodeJS.Timeout | undefined
  #resolving: Promise<void> | undefined
  readonly #leaving = new Set<Promise<void>>()
  #isStopped = false

  constructor(
    context: Context,
    config: LoadBalancingConfig,
    factory: Pick<ExporterFactory<LoadBalancingConfig['protocol']['otlp']>, 'create'>,
    resolver: Resolver,
  ) {
    this.#context = context
    this.#config = config
    this.#factory = factory
    this.#resolver = resolver
    this.#divider = new Divider(config.routing_key)
    this.#troubles = createTroubles(context.report)
    const labels = { exporter: context.id, resolver: resolver.name }
    context.counters.gauge('otelcol_loadbalancer_num_backends', labels, () => this.#backends.size)
  }

  async start(host: Host): Promise<void> {
    this.#host = host
    await this.#resolve()
    const { everyMs } = this.#resolver
    if (everyMs !== undefined)
      this.#timer = setInterval(
        () => void (this.#resolving ??= this.#resolve().finally(() => (this.#resolving = undefined))),
        timerMs(everyMs),
      ).unref()
  }

  readonly consume: Consumer['consume'] = async (batch, context) => {
    const { id } = this.#context
    if (this.#isStopped) throw new CollectorError('unavailable', `${id} is shutting down`)
    const ring = this.#ring
    if (!ring) throw new CollectorError('unavailable', `${id}: no backends are known yet`)
    let divided
    try {
      divided = this.#divider.divide(batch, ring)
    } catch (error) {
      throw toCollectorError(error)
    }
    if (divided.size > 1) shareMemory(batch)
    const taken = new Set(this.#taken.get(batch))
    const errors: CollectorError[] = []
    await Promise.all(
      Array.from(divided, async ([owner, chunks]) => {
        const endpoint = ring.endpoints[owner]!
        if (taken.has(endpoint)) return
        const isWhole = divided.size === 1 && chunks.length === batch.chunks.length
        try {
          await this.#give(endpoint, isWhole ? batch : createBatch(batch.signal, chunks), context)
          taken.add(endpoint)
        } catch (error) {
          errors.push(toCollectorError(error))
        }
      }),
    )
    if (errors.length === 0) return
    this.#taken.set(batch, taken)
    throw joinErrors(errors, 'all')
  }

  refresh(): void {
    for (const { exporter } of this.#backends.values()) exporter.refresh?.()
  }

  handOver(successor: Consumer): void {
    for (const { exporter } of this.#backends.values()) exporter.handOver?.(successor)
  }

  async shutdown(signal: AbortSignal): Promise<void> {
    this.#isStopped = true
    clearInterval(this.#timer)
    await this.#resolving
    const stops = [...this.#backends.values()].map(({ exporter }) => exporter.shutdown(signal))
    await Promise.all([...stops, ...this.#leaving])
  }

  finish(): void {
    for (const { exporter, forget } of this.#backends.values()) {
      exporter.finish?.()
      forget()
    }
    this.#backends.clear()
  }

  #give(endpoint: string, batch: TelemetryBatch, context: DeliveryContext): Promise<void> {
    const backend = this.#backends.get(endpoint)
    // It has gone since: whoever has the keys now takes it.
    return backend ? backend.exporter.consume(batch, context) : this.consume(batch, context)
  }

  async #resolve(): Promise<void> {
    const { id, logger, counters } = this.#context
    const { name } = this.#resolver
    const count = (success: boolean): void =>
      void counters.counter('otelcol_loadbalancer_num_resolutions', {
        exporter: id,
        resolver: name,
        success: String(success),
      }).value++
    try {
      const backends = await this.#resolver.resolve()
      if (backends.length === 0) throw new CollectorError('unavailable', 'the name has no addresses')
      count(true)
      await this.#change(new Ring(backends))
      this.#troubles.clear('resolver')
    } catch (error) {
      // Those that were known before are used on.
      count(false)
      const { message } = error as Error
      this.#troubles.set('resolver', 'recoverable_error', message)
      logger.warn(
        { component: id, error: message },
        'The backends could not be asked for; those that were known are used.',
      )
    }
  }

  async #change(ring: Ring): Promise<void> {
    const fresh = ring.endpoints.filter((endpoint) => !this.#backends.has(endpoint))
    const gone = [...this.#backends.keys()].filter((endpoint) => !ring.endpoints.includes(endpoint))
    if (fresh.length === 0 && gone.length === 0) return
    for (const endpoint of fresh) {
      const backend = this.#create(endpoint)
      await backend.exporter.start(this.#host!)
      this.#backends.set(endpoint, backend)
    }
    this.#ring = ring
    const { id, logger, counters } = this.#context
    counters.counter('otelcol_loadbalancer_num_backend_updates', { exporter: id, resolver: this.#resolver.name })
      .value++
    logger.info({ component: id, backends: ring.endpoints }, 'The backends have changed.')
    for (const endpoint of gone) this.#leave(endpoint)
  }

  #create(endpoint: string): Backend {
    const { id, counters } = this.#context
    const forget: (() => void)[] = []
    const labelled = (labels: Readonly<Record<string, string>>) => ({ ...labels, exporter: id, endpoint })
    const own: Counters = {
      ...counters,
      counter: (name, labels) => counters.counter(name, labelled(labels)),
      histogram: (name, labels, bounds) => counters.histogram(name, labelled(labels), bounds),
      gauge(name, labels, read) {
        const remove = counters.gauge(name, labelled(labels), read)
        forget.push(remove)
        return remove
      },
    }
    const exporter = this.#factory.create(
      {
        ...this.#context,
        id: `${id} ${endpoint}`,
        counters: own,
        report: (status, message = '') => {
          if (status === 'ok') this.#troubles.clear(endpoint)
          else this.#troubles.set(endpoint, status, `${endpoint}: ${message}`)
        },
      },
      { ...this.#config.protocol.otlp, endpoint },
    )
    return { exporter, forget: () => forget.forEach((remove) => remove()) }
  }

  /** What it has taken and not sent goes to the others. */
  #leave(endpoint: string): void {
    const { exporter, forget } = this.#backends.get(endpoint)!
    this.#backends.delete(endpoint)
    this.#troubles.clear(endpoint)
    exporter.handOver?.(this)
    const leaving = exporter
      .shutdown(AbortSignal.timeout(LEAVE_MS))
      .catch((error: Error) =>
        this.#context.logger.error({ component: this.#context.id, error: error.message }, 'Shutdown failed'),
      )
      .then(() => {
        exporter.finish?.()
        forget()
        this.#leaving.delete(leaving)
      })
    this.#leaving.add(leaving)
  }
}
