/**
 * Components, connected into pipelines. A graph is a value: it is built from a frozen config without touching the
 * world, started, and shut down; a reload builds the next graph before it stops this one.
 *
 *     receiver ─┬─ processor ─ processor ─┬─ exporter          creation and start run from right to left,
 *               └─ processor ─────────────┴─ connector ─ …     shutdown from left to right
 */
import type { Signal } from '@spoor/otlp'
import type { CollectorConfig, ComponentConfig, PipelineConfig } from '../config/index.ts'
import {
  CollectorError,
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
import { fanOut } from './fan-out.ts'

export interface Graph {
  /**
   * Starts what is downstream first. When one fails, those that were started are shut down again, and the error is
   * thrown.
   */
  start(host: Pick<Host, 'fail'>): Promise<void>
  /** Receivers first, then down the pipelines. Done at the latest when `deadlineMs` milliseconds are over. */
  shutdown(deadlineMs: number): Promise<void>
  listening(): readonly (Listening & { readonly component: string })[]
}

interface Node {
  readonly kind: Kind
  readonly id: string
  readonly component: Component
}

/**
 * The share of the deadline by which each kind must be done, so that a receiver whose clients wait for a dead peer
 * leaves time for what is queued behind it.
 */
const DEADLINE_SHARE: Readonly<Record<Kind, number>> = {
  receiver: 0.4,
  processor: 0.7,
  connector: 0.7,
  exporter: 0.95,
  extension: 1,
}
/** Downstream before upstream; among processors and connectors the order of creation decides. */
const START_ORDER: Readonly<Record<Kind, number>> = {
  extension: 0,
  exporter: 1,
  connector: 2,
  processor: 2,
  receiver: 3,
}
/** How long after its signal a component may still take before it is left behind. */
const GRACE_MS = 250

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
    let next = fanOut(pipeline.exporters.map((id) => this.#sink(id)))
    for (const id of pipeline.processors.toReversed()) {
      const { factory, config } = find(this.#config.processors, id)
      const labels = { processor: id, otel_signal: pipeline.signal }
      next = this.#counted(next, 'otelcol_processor_outgoing_items', labels)
      const processor = factory.create(this.#context(id), config, next, pipeline.signal)
      this.#add('processor', id, processor)
      next = this.#counted(processor, 'otelcol_processor_incoming_items', labels)
    }
    this.#entries.set(pipeline.id, next)
    return next
  }

  /** The exporter or connector at the end of a pipeline; one instance for all pipelines that name it. */
  #sink(id: string): Consumer {
    const known = this.#sinks.get(id)
    if (known) return known
    const connector = this.#config.connectors.get(id)
    let sink: Component & Consumer
    if (connector) {
      sink = connector.factory.create(this.#context(id), connector.config, this.#consumersOf(id))
      this.#add('connector', id, sink)
    } else {
      const { factory, config } = find(this.#config.exporters, id)
      sink = factory.create(this.#context(id), config)
      this.#add('exporter', id, sink)
    }
    this.#sinks.set(id, sink)
    return sink
  }

  /** What a receiver or connector feeds: for each signal, all pipelines that name it. */
  #consumersOf(id: string): ReadonlyMap<Signal, Consumer> {
    const bySignal = new Map<Signal, Consumer[]>()
    for (const pipeline of this.#config.pipelines.values()) {
      if (!pipeline.receivers.includes(id)) continue
      const consumers = bySignal.get(pipeline.signal) ?? []
      consumers.push(this.#entry(pipeline))
      bySignal.set(pipeline.signal, consumers)
    }
    return new Map([...bySignal].map(([signal, consumers]) => [signal, fanOut(consumers)]))
  }

  #add(kind: Kind, id: string, component: Component): void {
    this.#nodes.push({ kind, id, component })
  }

  #counted(next: Consumer, name: string, labels: Readonly<Record<string, string>>): Consumer {
    const counter = this.#options.counters.counter(name, labels)
    return {
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
  #started: Node[] = []

  constructor(nodes: readonly Node[], logger: Logger) {
    this.#nodes = nodes.toSorted((a, b) => START_ORDER[a.kind] - START_ORDER[b.kind])
    this.#logger = logger
  }

  async start({ fail }: Pick<Host, 'fail'>): Promise<void> {
    const extensions = new Map(
      this.#nodes.filter((node) => node.kind === 'extension').map((node) => [node.id, node.component]),
    )
    const host: Host = { extension: (id) => extensions.get(id), fail }
    for (const node of this.#nodes) {
      try {
        await node.component.start(host)
      } catch (error) {
        await this.shutdown(0)
        const problem = toCollectorError(error)
        throw new CollectorError(problem.code, `${node.kind} ${node.id}: ${problem.message}`, { cause: error })
      }
      this.#started.push(node)
    }
  }

  async shutdown(deadlineMs: number): Promise<void> {
    const begin = performance.now()
    const nodes = this.#started.toReversed()
    this.#started = []
    const stop = async (node: Node): Promise<void> =>
      this.#stop(node, Math.max(0, begin + deadlineMs * DEADLINE_SHARE[node.kind] - performance.now()))
    const all = async (kind: Kind): Promise<void> => {
      await Promise.all(nodes.filter((node) => node.kind === kind).map(stop))
    }
    await all('receiver')
    // Each one drains into the next.
    for (const node of nodes) if (node.kind === 'processor' || node.kind === 'connector') await stop(node)
    await all('exporter')
    await all('extension')
  }

  async #stop({ id, component }: Node, milliseconds: number): Promise<void> {
    const deadline = new AbortController()
    const timer = setTimeout(() => deadline.abort(), milliseconds)
    try {
      await withGrace(component.shutdown(deadline.signal), deadline.signal)
    } catch (error) {
      this.#logger.error({ component: id, error: (error as Error).message }, 'Shutdown failed')
    } finally {
      clearTimeout(timer)
    }
  }

  listening(): readonly (Listening & { readonly component: string })[] {
    return this.#nodes.flatMap(({ id, component }) =>
      (component.listening?.() ?? []).map((listening) => ({ component: id, ...listening })),
    )
  }
}

/** The component's own shutdown, or an error when it goes on after its deadline. */
async function withGrace(shutdown: Promise<void>, signal: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const start = (): void => {
      timer = setTimeout(() => reject(new CollectorError('timeout', 'it was not done at its deadline')), GRACE_MS)
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
