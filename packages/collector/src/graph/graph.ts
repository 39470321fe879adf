/**
 * Components, connected into pipelines, and changed under way. A graph is built from a frozen config without touching the
 * world, started once, and shut down once; between them it takes other configs.
 *
 *     receiver ─┬─ processor ─ processor ─┬─ exporter          creation and start run from right to left,
 *               └─ processor ─────────────┴─ connector ─ …     shutdown from left to right
 *
 * Where a stage feeds several there is a fan-out, which is started and shut down like a processor.
 *
 * A reload changes what is different and leaves the rest alone. What is new starts before what is old stops, so that a new part which
 * cannot start changes nothing. Only what both claim (a port, a file) moves: the batches for it wait at its slot, the old one stops,
 * the new one starts. Where that fails, the graph goes back to the config that it had, by the same way.
 */
import type { TelemetryBatch } from '@spoor/otlp'
import type { CollectorConfig } from '../config/index.ts'
import {
  CollectorError,
  sleep,
  toCollectorError,
  type Edge,
  type Extension,
  type Host,
  type Listening,
  type Overview,
  type StatusEvent,
} from '../component/index.ts'
import { plan, type GraphOptions, type Plan } from './builder.ts'
import { claimed } from './claims.ts'
import { FanOut } from './fan-out.ts'
import { named, type Node, type NodeKind } from './node.ts'
import { overviewOf } from './overview.ts'
import { Retirement } from './retirement.ts'
import { Slots } from './slot.ts'
import { finishNode, stopNode } from './stop.ts'
import { edgesOf, Taps } from './taps.ts'

export interface Graph {
  /**
   * Starts what is downstream first. When one fails, those that were started are shut down again, and the error is
   * thrown. Rejects with `unavailable` when `shutdown` is called before all are started, also where one never will be.
   */
  start(host: Pick<Host, 'fail'>): Promise<void>
  /**
   * Changes the graph to another config; one after the other. Rejects with the error of a component that cannot start, and the
   * graph is as it was; what cannot be brought back then is told by the host's `fail`.
   */
  reload(config: CollectorConfig): Promise<void>
  /**
   * Receivers first, then down the pipelines, then the totals of what was dropped. Done when `deadlineMs` milliseconds are
   * over and, where components hang, a grace of them more: they are left behind then. Later calls wait for the first.
   */
  shutdown(deadlineMs: number): Promise<void>
  listening(): readonly (Listening & { readonly component: string })[]
  /** The pipelines with their components, and how they are now. */
  overview(): Overview
  /** Where {@link tap} can look. */
  edges(): readonly Edge[]
  /** Shows `look` each batch at an edge from now on, before it is handed on; gives what ends it. Undefined where there is no such edge. */
  tap(id: string, look: (batch: TelemetryBatch) => void): (() => void) | undefined
}

/**
 * The share of the deadline by which each must be done, so that one that hangs leaves time for those behind it: receivers, whose
 * clients may wait for a dead peer; then one after the other those in the middle, each at its equal part of the time up to
 * theirs; then exporters.
 */
const RECEIVER_SHARE = 0.4
const MIDDLE_SHARE = 0.7
const EXPORTER_SHARE = 0.95
/** What the old one of something that moves has to stop in a reload, while batches wait. Milliseconds. */
const MOVE_MS = 10_000
/** Downstream before upstream; among processors, connectors and fan-outs the order of creation decides. */
const START_ORDER: Readonly<Record<NodeKind, number>> = {
  extension: 0,
  exporter: 1,
  connector: 2,
  processor: 2,
  fan_out: 2,
  receiver: 3,
}

export function buildGraph(config: CollectorConfig, options: GraphOptions): Graph {
  return new PipelineGraph(config, options)
}

class PipelineGraph implements Graph {
  readonly #options: Parameters<typeof plan>[1]
  readonly #taps = new Taps()
  #startedAtMs = Date.now()
  readonly #slots = new Slots()
  #config: CollectorConfig
  /** Of the config, in their start order. */
  #nodes: readonly Node[]
  /** Of a change that has not come to its end. */
  #coming: Node[] = []
  /** Their starts were called and have not ended. */
  readonly #starting = new Set<Node>()
  readonly #retirement: Retirement
  /** Rejects when `shutdown` is called: whoever starts is not waited for any longer. */
  readonly #stopping = Promise.withResolvers<never>()
  #fail: Host['fail'] = () => {}
  /** The last of the changes that were asked for. */
  #changing: Promise<void> = Promise.resolve()
  #stopped: Promise<void> | undefined

  constructor(config: CollectorConfig, options: GraphOptions) {
    this.#config = config
    this.#options = { ...options, taps: this.#taps, statusChanged: (...change) => this.#statusChanged(...change) }
    this.#retirement = new Retirement(options.logger, this.#slots)
    const first = plan(config, this.#options, this.#slots, [])
    this.#nodes = inStartOrder(first.nodes)
    for (const { gauges } of this.#nodes) gauges.show()
    for (const [slot, target] of first.targets) void slot.fill(target)
    this.#stopping.promise.catch(() => {})
  }

  async start({ fail }: Pick<Host, 'fail'>): Promise<void> {
    this.#fail = fail
    this.#startedAtMs = Date.now()
    for (const node of this.#nodes) {
      try {
        await this.#startOne(node, this.#nodes)
      } catch (error) {
        await this.shutdown(0)
        throw named(node, error)
      }
    }
    this.#tellReady(this.#nodes)
  }

  reload(config: CollectorConfig): Promise<void> {
    const change = this.#changing.then(() => this.#reload(config))
    this.#changing = change.catch(() => {})
    return change
  }

  async #reload(config: CollectorConfig): Promise<void> {
    if (this.#stopped) throw new CollectorError('unavailable', 'the collector is shutting down')
    const before = { config: this.#config, nodes: this.#nodes }
    const next = plan(config, this.#options, this.#slots, this.#nodes)
    try {
      await this.#change(next, config)
    } catch (error) {
      if (!this.#stopped) await this.#goBack(before.config, before.nodes)
      throw error
    }
  }

  /** After a change that has failed on its way. */
  async #goBack(config: CollectorConfig, nodes: readonly Node[]): Promise<void> {
    try {
      await this.#change(plan(config, this.#options, this.#slots, nodes), config)
    } catch (error) {
      if (this.#stopped) return
      const problem = new Error(`a reload failed, and so did going back: ${(error as Error).message}`, { cause: error })
      this.#fail('the collector', problem)
    }
  }

  /** From what there is, which after a failed change is more than one config's, to the plan. */
  async #change({ nodes: planned, targets }: Plan, config: CollectorConfig): Promise<void> {
    const nodes = inStartOrder(planned)
    const old = [...this.#nodes, ...this.#coming].filter((node) => node.state !== 'stopped' && !nodes.includes(node))
    const fresh = nodes.filter(({ state }) => state === 'idle')
    const { heirs, owners } = claimed(fresh, old)
    const start = async (node: Node): Promise<void> => {
      this.#coming.push(node)
      await this.#startOne(node, nodes).catch((error: unknown) => Promise.reject(named(node, error)))
    }
    for (const node of fresh) if (!heirs.has(node)) await start(node)

    const isReceiver = ({ kind }: Node): boolean => kind === 'receiver'
    const leaving = old.filter((node) => owners.has(node) && !isReceiver(node))
    if (leaving.length > 0) await this.#clear(leaving, targets)
    for (const node of fresh) if (heirs.has(node) && !isReceiver(node)) await start(node)

    const drained = [...targets].map(([slot, target]) => slot.fill(target))
    const moving = old.filter((node) => owners.has(node) && isReceiver(node))
    const yielding = moving.filter(({ component }) => component.yieldPorts !== undefined)
    const ports = moving.filter((node) => !yielding.includes(node)).map((node) => this.#stop(node))
    for (const { component } of yielding) component.yieldPorts?.()
    try {
      for (const node of fresh) if (heirs.has(node) && isReceiver(node)) await start(node)
    } finally {
      // Only now: ports that nobody has taken over end with whoever had them.
      ports.push(...yielding.map((node) => this.#stop(node)))
    }

    this.#nodes = nodes
    this.#config = config
    this.#coming = []
    for (const { gauges } of fresh) gauges.show()
    for (const node of nodes) if (!fresh.includes(node)) node.component.refresh?.()
    this.#tellReady(fresh)
    const retiring = old.filter((node) => !leaving.includes(node))
    this.#retirement.begin(retiring, Promise.all([...drained, ...ports]))
    for (const node of leaving) finishNode(node, this.#options.logger)
  }

  /** Stops nodes in front of their successors: what is to come waits at the slots, what has come is drained. */
  async #clear(leaving: readonly Node[], targets: Plan['targets']): Promise<void> {
    const changed = [...targets].filter(([slot, target]) => slot.target !== target).map(([slot]) => slot)
    const hold = async (isSink: boolean): Promise<void> => {
      const held = Promise.all(changed.filter((slot) => slot.isSink === isSink).map((slot) => slot.hold()))
      const limit = new AbortController()
      await Promise.race([held, sleep(MOVE_MS, limit.signal)])
      limit.abort()
    }
    const upstreamFirst = leaving.toReversed()
    const of = (rank: number): readonly Node[] => upstreamFirst.filter(({ kind }) => START_ORDER[kind] === rank)
    await hold(false)
    for (const node of of(2)) await this.#stop(node)
    await hold(true)
    await Promise.all(of(1).map((node) => this.#stop(node)))
    await Promise.all(of(0).map((node) => this.#stop(node)))
  }

  #stop(node: Node): Promise<void> {
    return stopNode(node, performance.now(), MOVE_MS, this.#options.logger)
  }

  async #startOne(node: Node, nodes: readonly Node[]): Promise<void> {
    if (this.#stopped) throw stoppedDuringStart()
    const host: Host = {
      extension: (id) => nodes.find((other) => other.kind === 'extension' && other.id === id)?.component,
      fail: (id, cause) => {
        node.status.to('fatal_error', cause.message)
        this.#fail(id, cause)
      },
      overview: () => this.overview(),
      statusAddress: this.#options.statusAddress?.(),
      folderOf: this.#options.folderOf,
    }
    this.#starting.add(node)
    node.status.to('starting')
    try {
      const starting = node.component.start(host)
      starting.then(
        () => {
          // What a start brings about after the shutdown is undone at once.
          if (this.#stopped) void stopNode(node, performance.now(), 0, this.#options.logger)
          else node.state = 'started'
          if (node.status.event.status === 'starting') node.status.to('ok')
        },
        (error: unknown) => node.status.to('permanent_error', toCollectorError(error).message),
      )
      await Promise.race([starting, this.#stopping.promise])
    } finally {
      this.#starting.delete(node)
    }
  }

  async shutdown(deadlineMs: number): Promise<void> {
    this.#stopped ??= this.#shutdown(deadlineMs)
    return this.#stopped
  }

  async #shutdown(deadlineMs: number): Promise<void> {
    this.#stopping.reject(stoppedDuringStart())
    const begin = performance.now()
    const isThere = (node: Node): boolean => node.state === 'started' || this.#starting.has(node)
    const nodes = [...this.#nodes, ...this.#coming].filter(isThere).toReversed()
    this.#slots.close(CLOSED)
    for (const extension of extensionsAmong(nodes)) extension.notReady?.()
    const stop = (node: Node, share: number) => stopNode(node, begin, deadlineMs * share, this.#options.logger)
    const all = async (kind: NodeKind, share: number): Promise<void> => {
      await Promise.all(nodes.filter((node) => node.kind === kind).map((node) => stop(node, share)))
    }
    for (const { component } of nodes) if (component instanceof FanOut) component.hurry()
    await all('receiver', RECEIVER_SHARE)
    // Each one drains into the next.
    const middle = nodes.filter(({ kind }) => START_ORDER[kind] === 2)
    const retired = this.#retirement.end(begin + deadlineMs * MIDDLE_SHARE)
    for (const [index, node] of middle.entries()) {
      await stop(node, RECEIVER_SHARE + ((MIDDLE_SHARE - RECEIVER_SHARE) * (index + 1)) / middle.length)
    }
    await retired
    await all('exporter', EXPORTER_SHARE)
    await all('extension', 1)
    for (const node of nodes) finishNode(node, this.#options.logger)
  }

  /** All extensions hear of the configuration; `fresh`: those that hear of being ready for the first time. */
  #tellReady(fresh: readonly Node[]): void {
    for (const extension of extensionsAmong(this.#nodes)) extension.configured?.(this.#config.effective)
    for (const extension of extensionsAmong(fresh)) extension.ready?.()
  }

  #statusChanged(kind: NodeKind, id: string, event: StatusEvent): void {
    if (kind === 'fan_out') return
    for (const extension of extensionsAmong(this.#nodes)) extension.statusChanged?.({ kind, id }, event)
  }

  overview(): Overview {
    return overviewOf(this.#config, this.#nodes, this.#options.counters.snapshot(), this.#startedAtMs)
  }

  edges(): readonly Edge[] {
    return edgesOf(this.#config)
  }

  tap(id: string, look: (batch: TelemetryBatch) => void): (() => void) | undefined {
    return this.edges().some((edge) => edge.id === id) ? this.#taps.open(id, look) : undefined
  }

  listening(): readonly (Listening & { readonly component: string })[] {
    return this.#nodes.flatMap(({ id, component }) =>
      (component.listening?.() ?? []).map((listening) => ({ component: id, ...listening })),
    )
  }
}

/** Whoever waits at a slot when the collector stops is told to come again. */
const CLOSED = {
  async consume(): Promise<void> {
    throw new CollectorError('unavailable', 'the collector is shutting down')
  },
}

function extensionsAmong(nodes: readonly Node[]): readonly Extension[] {
  return nodes.flatMap(({ kind, component }) => (kind === 'extension' ? [component] : []))
}

function inStartOrder(nodes: readonly Node[]): readonly Node[] {
  return nodes.toSorted((a, b) => START_ORDER[a.kind] - START_ORDER[b.kind])
}

function stoppedDuringStart(): CollectorError {
  return new CollectorError('unavailable', 'was shut down before it had started')
}
