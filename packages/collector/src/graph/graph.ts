/**
 * Components, connected into pipelines. A graph is a value: it is built from a frozen config without touching the
 * world, started once, and shut down once.
 *
 *     receiver ─┬─ processor ─ processor ─┬─ exporter          creation and start run from right to left,
 *               └─ processor ─────────────┴─ connector ─ …     shutdown from left to right
 *
 * Where a stage feeds several there is a fan-out, which is started and shut down like a processor.
 */
import type { Signal } from '@spoor/otlp'
import type { CollectorConfig, ComponentConfig, PipelineConfig } from '../config/index.ts'
import {
  CollectorError,
  timerMs,
  toCollectorError,
  type Budget,
  type Component,
  type Consumer,
  type Context,
  type Counters,
  type Host,
  type Kind,
  type Listening,
  type Logger,
} from '../component/index.ts'
import { FanOut } from './fan-out.ts'

export interface Graph {
  /**
   * Starts what is downstream first. When one fails, those that were started are shut down again, and the error is
   * thrown. Rejects with `unavailable` when `shutdown` is called before all are started, also where one never will be.
   */
  start(host: Pick<Host, 'fail'>): Promise<void>
  /**
   * Receivers first, then down the pipelines, then the totals of what was dropped. Done when `deadlineMs` milliseconds are
   * over and, where components hang, {@link GRACE_MS} more: they are left behind then. Later calls wait for the first.
   */
  shutdown(deadlineMs: number): Promise<void>
  listening(): readonly (Listening & { readonly component: string })[]
}

interface Node {
  readonly kind: Kind | 'fan_out'
  readonly id: string
  readonly component: Component
}

/**
 * The share of the deadline by which each must be done, so that one that hangs leaves time for those behind it: receivers, whose
 * clients may wait for a dead peer; then one after the other those in the middle, each at its equal part of the time up to
 * theirs; then exporters.
 */
const RECEIVER_SHARE = 0.4
const MIDDLE_SHARE = 0.7
const EXPORTER_SHARE = 0.95
/** How long after its signal a component may still take before it is left behind. Milliseconds. */
const GRACE_MS = 250
/** What each component gets even when the time is over, to count what it has to give up. Milliseconds. */
const LAST_CHANCE_MS = 20
/** Downstream before upstream; among processors, connectors and fan-outs the order of creation decides. */
const START_ORDER: Readonly<Record<Node['kind'], number>> = {
  extension: 0,
  exporter: 1,
  connector: 2,
  processor: 2,
  fan_out: 2,
  receiver: 3,
}

export function buildGraph(
  config: CollectorConfig,
  options: { logger: Logger; counters: Counters; budget: Budget },
): Graph {
  return new PipelineGraph(new Builder(config, options).build(), options.logger)
}

class Builder {
  readonly #config: CollectorConfig
  readonly #options: { logger: Logger; counters: Counters; budget: Budget }
  /** Downstream before upstream. */
  readonly #nodes: Node[] = []
  readonly #sinks = new Map<string, Consumer>()
  readonly #entries = new Map<string, Consumer>()

  constructor(config: CollectorConfig, options: { logger: Logger; counters: Counters; budget: Budget }) {
    this.#config = config
    this.#options = options
  }

  build(): readonly Node[] {
    const { extensions, receivers, pipelines } = this.#config
    for (const [id, extension] of extensions) {
      this.#add('extension', id, extension.factory.create(this.#context(id), extension.config))
    }
    for (const pipeline of pipelines.values()) this.#entry(pipeline)
    for (const [id, receiver] of receivers) {
      const next = this.#consumersOf(id)
      if (next.size > 0) this.#add('receiver', id, receiver.factory.create(this.#context(id), receiver.config, next))
    }
    return this.#nodes
  }

  /** The first stage of a pipeline, built from its end. The config has no cycles: its loader has seen to that. */
  #entry(pipeline: PipelineConfig): Consumer {
    const known = this.#entries.get(pipeline.id)
    if (known) return known
    let next = this.#fanOut(pipeline.id, new Map(pipeline.exporters.map((id) => [id, this.#sink(id)])))
    for (const id of pipeline.processors.toReversed()) {
      const { factory, config } = find(this.#config.processors, id)
      const labels = { processor: id, otel_signal: pipeline.signal }
      const after = this.#counted(next, 'otelcol_processor_outgoing_items', labels, next.durable)
      const processor = factory.create(this.#context(id), config, after, pipeline.signal)
      this.#add('processor', id, processor)
      const durable = processor.durable ?? next.durable
      next = this.#counted(processor, 'otelcol_processor_incoming_items', labels, durable)
    }
    this.#entries.set(pipeline.id, next)
    return next
  }

  /** The exporter or connector at the end of a pipeline; one instance for all pipelines that name it. */
  #sink(id: string): Consumer {
    const known = this.#sinks.get(id)
    if (known) return known
    const connector = this.#config.connectors.get(id)
    let sink: Consumer
    if (connector) {
      const next = this.#consumersOf(id)
      const component = connector.factory.create(this.#context(id), connector.config, next)
      this.#add('connector', id, component)
      const durable = component.durable ?? [...next.values()].some((consumer) => consumer.durable)
      sink = { durable, consume: (batch) => component.consume(batch) }
    } else {
      const { factory, config } = find(this.#config.exporters, id)
      const exporter = factory.create(this.#context(id), config)
      this.#add('exporter', id, exporter)
      sink = exporter
    }
    this.#sinks.set(id, sink)
    return sink
  }

  /** What a receiver or connector feeds: for each signal, all pipelines that name it. */
  #consumersOf(id: string): ReadonlyMap<Signal, Consumer> {
    const bySignal = new Map<Signal, Map<string, Consumer>>()
    for (const pipeline of this.#config.pipelines.values()) {
      if (!pipeline.receivers.includes(id)) continue
      const consumers = bySignal.get(pipeline.signal) ?? new Map<string, Consumer>()
      consumers.set(pipeline.id, this.#entry(pipeline))
      bySignal.set(pipeline.signal, consumers)
    }
    return new Map([...bySignal].map(([signal, consumers]) => [signal, this.#fanOut(id, consumers)]))
  }

  /** One consumer for several. A single one is given back as it is, and costs nothing. */
  #fanOut(id: string, consumers: ReadonlyMap<string, Consumer>): Consumer {
    const [first] = consumers.values()
    if (consumers.size === 1 && first) return first
    const fanOut = new FanOut(this.#context(id), consumers)
    this.#add('fan_out', id, fanOut)
    return fanOut
  }

  #add(kind: Node['kind'], id: string, component: Component): void {
    this.#nodes.push({ kind, id, component })
  }

  #counted(
    next: Consumer,
    name: string,
    labels: Readonly<Record<string, string>>,
    durable: boolean | undefined,
  ): Consumer {
    const counter = this.#options.counters.counter(name, labels)
    return {
      durable: durable === true,
      consume(batch) {
        counter.value += batch.items
        return next.consume(batch)
      },
    }
  }

  #context(id: string): Context {
    return { id, ...this.#options }
  }
}

function find<K extends Kind>(components: ReadonlyMap<string, ComponentConfig<K>>, id: string): ComponentConfig<K> {
  const component = components.get(id)
  // The config loader has checked all references.
  if (!component) throw new CollectorError('internal', `no component ${id}`)
  return component
}

class PipelineGraph implements Graph {
  /** In their start order. */
  readonly #nodes: readonly Node[]
  readonly #logger: Logger
  readonly #started: Node[] = []
  /** Its start was called and has not ended. */
  #starting: Node | undefined
  /** Rejects when `shutdown` is called: whoever starts is not waited for any longer. */
  readonly #stopping = Promise.withResolvers<never>()
  #stopped: Promise<void> | undefined

  constructor(nodes: readonly Node[], logger: Logger) {
    this.#nodes = nodes.toSorted((a, b) => START_ORDER[a.kind] - START_ORDER[b.kind])
    this.#logger = logger
    this.#stopping.promise.catch(() => {})
  }

  async start({ fail }: Pick<Host, 'fail'>): Promise<void> {
    const extensions = new Map(
      this.#nodes.filter((node) => node.kind === 'extension').map((node) => [node.id, node.component]),
    )
    const host: Host = { extension: (id) => extensions.get(id), fail }
    for (const node of this.#nodes) {
      try {
        await this.#startOne(node, host)
      } catch (error) {
        await this.shutdown(0)
        const problem = toCollectorError(error)
        throw new CollectorError(problem.code, `${node.kind} ${node.id}: ${problem.message}`, { cause: error })
      }
    }
  }

  async #startOne(node: Node, host: Host): Promise<void> {
    if (this.#stopped) throw stoppedDuringStart()
    this.#starting = node
    try {
      const starting = node.component.start(host)
      starting.then(
        () => {
          // What a start brings about after the shutdown is undone at once.
          if (this.#stopped) void this.#stop(node, performance.now(), 0)
          else this.#started.push(node)
        },
        () => {},
      )
      await Promise.race([starting, this.#stopping.promise])
    } finally {
      this.#starting = undefined
    }
  }

  async shutdown(deadlineMs: number): Promise<void> {
    this.#stopped ??= this.#shutdown(deadlineMs)
    return this.#stopped
  }

  async #shutdown(deadlineMs: number): Promise<void> {
    this.#stopping.reject(stoppedDuringStart())
    const begin = performance.now()
    const nodes = [...this.#started, ...(this.#starting ? [this.#starting] : [])].toReversed()
    const all = async (kind: Kind, share: number): Promise<void> => {
      const stops = nodes
        .filter((node) => node.kind === kind)
        .map(async (node) => this.#stop(node, begin, deadlineMs * share))
      await Promise.all(stops)
    }
    for (const { component } of nodes) if (component instanceof FanOut) component.hurry()
    await all('receiver', RECEIVER_SHARE)
    // Each one drains into the next.
    const middle = nodes.filter(({ kind }) => kind === 'processor' || kind === 'connector' || kind === 'fan_out')
    for (const [index, node] of middle.entries()) {
      const share = RECEIVER_SHARE + ((MIDDLE_SHARE - RECEIVER_SHARE) * (index + 1)) / middle.length
      await this.#stop(node, begin, deadlineMs * share)
    }
    await all('exporter', EXPORTER_SHARE)
    await all('extension', 1)
    for (const node of nodes) this.#finish(node)
  }

  /** Its signal aborts at `deadlineMs` milliseconds after `begin`; shortly after that it is left behind. */
  async #stop({ id, component }: Node, begin: number, deadlineMs: number): Promise<void> {
    const leftMs = begin + deadlineMs - performance.now()
    const deadline = new AbortController()
    const timer = setTimeout(() => deadline.abort(), timerMs(Math.max(0, leftMs)))
    try {
      const graceMs = Math.max(LAST_CHANCE_MS, Math.min(leftMs, 0) + GRACE_MS)
      await withGrace(component.shutdown(deadline.signal), deadline.signal, graceMs)
    } catch (error) {
      this.#logger.error({ component: id, error: (error as Error).message }, 'Shutdown failed')
    } finally {
      clearTimeout(timer)
    }
  }

  #finish({ id, component }: Node): void {
    try {
      component.finish?.()
    } catch (error) {
      this.#logger.error({ component: id, error: (error as Error).message }, 'Shutdown failed')
    }
  }

  listening(): readonly (Listening & { readonly component: string })[] {
    return this.#nodes.flatMap(({ id, component }) =>
      (component.listening?.() ?? []).map((listening) => ({ component: id, ...listening })),
    )
  }
}

function stoppedDuringStart(): CollectorError {
  return new CollectorError('unavailable', 'was shut down before it had started')
}

/** The component's own shutdown, or an error when it goes on so long after its signal. */
async function withGrace(shutdown: Promise<void>, signal: AbortSignal, graceMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const start = (): void => {
      timer = setTimeout(() => reject(new CollectorError('timeout', 'it was not done at its deadline')), graceMs)
    }
    if (signal.aborted) start()
    else signal.addEventListener('abort', start, { once: true })
  })
  try {
    await Promise.race([shutdown, late])
  } finally {
    clearTimeout(timer)
  }
}
