/**
 * From a config to the nodes of a graph and what fills its slots, without touching the world. Nodes of the graph that runs are
 * taken as they are where the config makes the same ones: an unchanged exporter keeps its queue, an unchanged receiver its sockets.
 *
 *     receiver → [slot] → fan-out → [slot] → processor → processor → fan-out → [slot] → exporter
 *
 * Nobody holds what is behind a slot, so that a change goes no further up than to the next slot.
 */
import type { Signal } from '@spoor/otlp'
import type { CollectorConfig, ComponentConfig, PipelineConfig } from '../config/index.ts'
import {
  CollectorError,
  extensionsIn,
  StatusTracker,
  type Budget,
  type Collect,
  type Component,
  type Consumer,
  type Context,
  type Counters,
  type Host,
  type Kind,
  type Ledger,
  type Logger,
  type Route,
  type StatusEvent,
} from '../component/index.ts'
import { resourceOf } from '../telemetry/index.ts'
import { timer } from './timer.ts'
import { DeferredGauges } from './deferred-gauges.ts'
import { FanOut } from './fan-out.ts'
import { isMadeOf, keyOf, type Makings, type Node, type NodeKind } from './node.ts'
import type { Slot, Slots } from './slot.ts'
import type { Taps } from './taps.ts'

export interface GraphOptions {
  readonly logger: Logger
  readonly counters: Counters
  readonly budget: Budget
  /** See {@link Context.collect}. */
  readonly collect?: Collect | undefined
  /** See {@link Host.statusAddress}; asked when a component starts. */
  readonly statusAddress?: (() => string | undefined) | undefined
  /** See {@link Host.folderOf}. */
  readonly folderOf?: Host['folderOf']
  /** See {@link Context.ledger}. */
  readonly ledger?: Ledger | undefined
}

interface BuilderOptions extends GraphOptions {
  readonly taps: Taps
  /** Hears of each change of a component's status. */
  readonly statusChanged: (kind: NodeKind, id: string, event: StatusEvent) => void
}

/** What a graph is to be. */
export interface Plan {
  /** Downstream before upstream. */
  readonly nodes: readonly Node[]
  /** What fills each slot. */
  readonly targets: ReadonlyMap<Slot, Consumer>
}

/** `running`: the nodes that may be taken as they are. */
export function plan(config: CollectorConfig, options: BuilderOptions, slots: Slots, running: readonly Node[]): Plan {
  return new Builder(config, options, slots, running).build()
}

/** What a stage hands on to: the consumer, and what it is by which two of them are the same. */
interface Next {
  readonly consumer: Consumer
  readonly link: unknown
}

type Make = (context: Context) => { readonly component: Component; readonly consumer?: Consumer }

class Builder {
  readonly #config: CollectorConfig
  readonly #options: BuilderOptions
  readonly #slots: Slots
  readonly #running: ReadonlyMap<string, Node>
  readonly #nodes: Node[] = []
  readonly #targets = new Map<Slot, Consumer>()
  readonly #instanceId: string

  constructor(config: CollectorConfig, options: BuilderOptions, slots: Slots, running: readonly Node[]) {
    this.#config = config
    this.#options = options
    this.#slots = slots
    this.#instanceId = resourceOf(config.telemetry)['service.instance.id'] ?? ''
    this.#running = new Map(running.map((node) => [node.key, node]))
  }

  build(): Plan {
    const { extensions, receivers, pipelines } = this.#config
    for (const [id, { factory, config }] of extensions) {
      const makings = { factory, values: config, links: [] }
      this.#place('extension', id, '', makings, (context) => ({ component: factory.create(context, config) }))
    }
    for (const pipeline of pipelines.values()) this.#pipeline(pipeline)
    for (const [id, { factory, config }] of receivers) {
      const next = this.#consumersOf(id)
      if (next.size === 0) continue
      const makings = this.#makings(factory, config, [[...next.keys()], this.#isDetailed], [...next.values()])
      this.#place('receiver', id, '', makings, (context) => ({
        component: factory.create(context, config, consumersIn(next)),
      }))
    }
    return { nodes: this.#nodes, targets: this.#targets }
  }

  /** The start of a pipeline, which is built from its end. The config has no cycles: its loader has seen to that. */
  #pipeline(pipeline: PipelineConfig): Next {
    const slot = this.#slots.pipeline(pipeline.id)
    if (!this.#targets.has(slot)) {
      const sinks = new Map(pipeline.exporters.map((id) => [id, this.#tapped(pipeline, id, this.#sink(id))]))
      let next = this.#fanOut(pipeline.id, 'exporters', sinks)
      for (const id of pipeline.processors.toReversed())
        next = this.#tapped(pipeline, id, this.#processor(id, pipeline, next))
      this.#targets.set(slot, next.consumer)
    }
    return this.#through(slot)
  }

  #tapped({ id: pipeline }: PipelineConfig, id: string, { consumer, link }: Next): Next {
    return { consumer: this.#options.taps.at(pipeline, id).inFrontOf(consumer), link }
  }

  #processor(id: string, { id: pipeline, signal }: PipelineConfig, next: Next): Next {
    const { factory, config } = find(this.#config.processors, id)
    const labels = { processor: id, otel_signal: signal }
    const makings = this.#makings(factory, config, [next.consumer.durable === true, this.#isDetailed], [next])
    const node = this.#place('processor', id, pipeline, makings, (context) => {
      const counted = this.#counted(next.consumer, 'otelcol_processor_outgoing_items', labels)
      const timed = context.isDetailed === true ? timer(context.counters, labels, counted) : undefined
      const component = factory.create(context, config, timed?.after ?? counted, signal)
      const durable = component.durable ?? next.consumer.durable === true
      const first = timed?.before(component) ?? component
      return { component, consumer: this.#counted(first, 'otelcol_processor_incoming_items', labels, durable) }
    })
    return nextOf(node)
  }

  /** The exporter or connector at the end of a pipeline; one instance for all pipelines that name it. */
  #sink(id: string): Next {
    const slot = this.#slots.sink(id)
    if (!this.#targets.has(slot)) this.#targets.set(slot, (this.#connector(id) ?? this.#exporter(id)).consumer)
    return this.#through(slot)
  }

  #exporter(id: string): Next {
    const { factory, config } = find(this.#config.exporters, id)
    const makings = this.#makings(factory, config, [this.#isDetailed], [])
    const node = this.#place('exporter', id, '', makings, (context) => {
      const component = factory.create(context, config)
      return { component, consumer: component }
    })
    return nextOf(node)
  }

  #connector(id: string): Next | undefined {
    const connector = this.#config.connectors.get(id)
    if (!connector) return undefined
    const { factory, config } = connector
    const routes = this.#routesOf(id, factory.routes?.(config))
    const next = routes ? new Map<Signal, Next>() : this.#consumersOf(id)
    const behind = [...next.values(), ...(routes ?? [])]
    const makings = this.#makings(factory, config, [this.#instanceId, ...next.keys()], behind)
    const node = this.#place('connector', id, '', makings, (context) => {
      const consumers = routes?.map(({ consumer }) => consumer) ?? []
      const component = factory.create(context, config, consumersIn(next), consumers)
      const durable = component.durable ?? behind.some(({ consumer }) => consumer.durable)
      const consume: Consumer['consume'] = (batch, about) => component.consume(batch, about)
      return { component, consumer: { durable, releases: component.releases === true, consume } }
    })
    return nextOf(node)
  }

  /** What the routes of a connector lead to, each to some of the pipelines that name it. */
  #routesOf(id: string, routes: readonly Route[] | undefined): readonly Next[] | undefined {
    const known = new Map<string, Next>()
    return routes?.map(({ pipelines }) => {
      const key = pipelines.join(' ')
      const next =
        known.get(key) ??
        this.#fanOut(
          id,
          key,
          new Map(pipelines.map((name) => [name, this.#pipeline(this.#config.pipelines.get(name)!)])),
        )
      known.set(key, next)
      return next
    })
  }

  /** What a receiver or connector feeds: for each signal, all pipelines that name it. */
  #consumersOf(id: string): ReadonlyMap<Signal, Next> {
    const bySignal = new Map<Signal, Map<string, Next>>()
    for (const pipeline of this.#config.pipelines.values()) {
      if (!pipeline.receivers.includes(id)) continue
      const pipelines = bySignal.get(pipeline.signal) ?? new Map<string, Next>()
      pipelines.set(pipeline.id, this.#pipeline(pipeline))
      bySignal.set(pipeline.signal, pipelines)
    }
    return new Map(
      [...bySignal].map(([signal, pipelines]) => {
        const slot = this.#slots.output(id, signal)
        this.#targets.set(slot, this.#fanOut(id, signal, pipelines).consumer)
        return [signal, this.#through(slot)]
      }),
    )
  }

  /** One consumer for several. A single one is given back as it is, and costs nothing. */
  #fanOut(id: string, place: string, branches: ReadonlyMap<string, Next>): Next {
    const [first] = branches.values()
    if (branches.size === 1 && first) return first
    const values = [...branches].map(([branch, { consumer }]) => [branch, consumer.durable])
    const makings = this.#makings(FanOut, values, undefined, [...branches.values()])
    const node = this.#place('fan_out', id, place, makings, (context) => {
      const fanOut = new FanOut(context, consumersIn(branches))
      return { component: fanOut, consumer: fanOut }
    })
    return nextOf(node)
  }

  #through(slot: Slot): Next {
    return { consumer: slot.as(this.#targets.get(slot)?.durable === true), link: slot }
  }

  #makings(factory: unknown, config: unknown, values: unknown, next: readonly Next[]): Makings {
    const schema = (factory as { config?: unknown }).config
    const extensions = extensionsIn(schema, config).map(({ id }) =>
      this.#nodes.find((node) => node.kind === 'extension' && node.id === id),
    )
    return { factory, values: [config, values], links: [...next.map(({ link }) => link), ...extensions] }
  }

  /** The node that runs where it is made of the same, else a new one. */
  #place(kind: NodeKind, id: string, place: string, makings: Makings, make: Make): Node {
    const key = keyOf(kind, id, place)
    const known = this.#running.get(key)
    const isSame = known !== undefined && known.state !== 'stopped' && isMadeOf(known, makings)
    const node = isSame ? known : this.#make(kind, id, place, makings, make)
    this.#nodes.push(node)
    return node
  }

  #make(kind: NodeKind, id: string, place: string, makings: Makings, make: Make): Node {
    const key = keyOf(kind, id, place)
    const gauges = new DeferredGauges(this.#options.counters)
    const { statusChanged, statusAddress: _, taps: __, folderOf: ___, ...options } = this.#options
    const status = new StatusTracker((event) => statusChanged(kind, id, event))
    const { component, consumer } = make({
      ...options,
      id,
      instanceId: this.#instanceId,
      ...(kind === 'processor' && { pipeline: place }),
      ...(kind === 'exporter' && { signals: this.#signalsOf(id) }),
      isDetailed: this.#isDetailed,
      counters: gauges.counters,
      report: status.to,
    })
    return { kind, id, key, component, consumer, makings, gauges, status, state: 'idle' }
  }

  get #isDetailed(): boolean {
    return this.#config.telemetry.metrics.level === 'detailed'
  }

  #signalsOf(exporter: string): readonly Signal[] {
    const named = [...this.#config.pipelines.values()].filter(({ exporters }) => exporters.includes(exporter))
    return [...new Set(named.map(({ signal }) => signal))]
  }

  #counted(
    next: Consumer,
    name: string,
    labels: Readonly<Record<string, string>>,
    durable = next.durable === true,
  ): Consumer {
    const counter = this.#options.counters.counter(name, labels)
    return {
      durable,
      consume(batch, context) {
        counter.value += batch.items
        return next.consume(batch, context)
      },
    }
  }
}

function nextOf(node: Node): Next {
  if (!node.consumer) throw new CollectorError('internal', `${node.kind} ${node.id} takes no batches`)
  return { consumer: node.consumer, link: node }
}

function consumersIn<K>(next: ReadonlyMap<K, Next>): ReadonlyMap<K, Consumer> {
  return new Map([...next].map(([key, { consumer }]) => [key, consumer]))
}

function find<K extends Kind>(components: ReadonlyMap<string, ComponentConfig<K>>, id: string): ComponentConfig<K> {
  const component = components.get(id)
  // The config loader has checked all references.
  if (!component) throw new CollectorError('internal', `no component ${id}`)
  return component
}
