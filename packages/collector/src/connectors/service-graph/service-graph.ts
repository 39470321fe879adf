/** Metrics of who calls whom: requests are put together of their two ends, and counted by both services. */
import {
  CollectorError,
  createLogLimiter,
  EMPTY_CONTEXT,
  timerMs,
  toCollectorError,
  type Component,
  type Consumer,
  type Context,
  type Counter,
  type DeliveryContext,
  type LogLimiter,
} from '../../component/index.ts'
import { MetricsOut } from '../../connector-helper/index.ts'
import type { ServiceGraphConfig } from './config.ts'
import { Edges, type Edge } from './edges.ts'
import { GraphSeries, type VirtualNode } from './series.ts'
import { RequestEnds, type RequestEnd } from './spans.ts'

const LOG_INTERVAL_MS = 10_000

export class ServiceGraphConnector implements Component, Consumer {
  /** A sender is answered before anybody has a metric. */
  readonly durable = false
  /** What it has read of a batch it has counted. */
  readonly releases = true
  readonly #id: string
  readonly #config: ServiceGraphConfig
  readonly #ends: RequestEnds
  readonly #edges: Edges
  readonly #series: GraphSeries
  readonly #out: MetricsOut
  readonly #log: LogLimiter
  readonly #figures: Readonly<Record<'total' | 'expired' | 'dropped' | 'overflowed', Counter>>
  readonly #timers: NodeJS.Timeout[] = []
  /** Requests since the last flush. */
  #pending = 0
  #isStopped = false

  constructor(context: Context, config: ServiceGraphConfig, next: Consumer) {
    const { id, counters, logger } = context
    const labels = { connector: id }
    this.#id = id
    this.#config = config
    this.#ends = new RequestEnds(config)
    this.#edges = new Edges(config.store.ttl, config.store.max_items, {
      completed: (edge) => this.#count(edge, ''),
      expired: (edge) => this.#expired(edge),
    })
    this.#series = new GraphSeries(config, Date.now())
    this.#out = new MetricsOut(context, next, 'Spans or metrics were lost.')
    this.#log = createLogLimiter(logger, LOG_INTERVAL_MS)
    const counter = (end: string): Counter => counters.counter(`otelcol_connector_servicegraph_${end}`, labels)
    this.#figures = {
      total: counter('total_edges'),
      expired: counter('expired_edges'),
      dropped: counter('dropped_spans'),
      overflowed: counters.counter('spoor_connector_overflowed_spans', labels),
    }
    counters.gauge('spoor_connector_series', labels, () => this.#series.size)
  }

  async start(): Promise<void> {
    const every = (ms: number, run: () => void): void => void this.#timers.push(setInterval(run, timerMs(ms)).unref())
    const { metrics_flush_interval: flushMs, store_expiration_loop: expireMs, cache_loop: cacheMs } = this.#config
    if (flushMs > 0) every(flushMs, () => this.#out.tick(() => this.#flush(EMPTY_CONTEXT)))
    every(expireMs, () => this.#edges.expire(Date.now()))
    every(cacheMs, () => this.#series.forgetStale(Date.now()))
  }

  readonly consume: Consumer['consume'] = async (batch, context) => {
    if (this.#isStopped) throw new CollectorError('unavailable', `${this.#id} is shutting down`)
    const now = Date.now()
    let full = 0
    try {
      for (const chunk of batch.chunks) {
        this.#ends.forEach(chunk, (at, end) => {
          const outcome = this.#edges.add(at, now, (edge) => update(edge, end))
          if (outcome === 'full') full++
          else if (outcome === 'new') this.#figures.total.value++
        })
      }
    } catch (error) {
      throw toCollectorError(error)
    } finally {
      if (full > 0) this.#tellFull(full)
    }
    if (this.#config.metrics_flush_interval <= 0) await this.#flush(context)
  }

  async shutdown(signal: AbortSignal): Promise<void> {
    this.#isStopped = true
    for (const timer of this.#timers) clearInterval(timer)
    await this.#out.settle(signal)
  }

  finish(): void {
    const items = this.#pending + this.#edges.size
    this.#pending = 0
    this.#out.finish(items, 'the collector ended before their requests were in a metric that was handed on')
  }

  #expired(edge: Edge): void {
    this.#figures.expired.value++
    if (this.#config.virtual_node_peer_attributes.length === 0 || edge.isLinked) return
    const isServer = edge.server === ''
    edge.connectionType = 'virtual_node'
    if (edge.client === '' && edge.isRoot) {
      edge.client = 'user'
      this.#count(edge, 'client')
    }
    if (!isServer) return
    edge.server = edge.peer ?? 'unknown'
    this.#count(edge, 'server')
  }

  #count(edge: Edge, virtual: VirtualNode): void {
    this.#pending++
    if (this.#series.add(edge, virtual, Date.now())) return
    this.#figures.overflowed.value++
    const message = 'Requests are counted in the series otel.metric.overflow: there are as many others as there may be.'
    this.#log.warn('overflow', { component: this.#id, overflowed: this.#figures.overflowed.value }, message)
  }

  #tellFull(items: number): void {
    this.#figures.dropped.value += items
    const error = `as many spans wait for their other end as may (store.max_items: ${this.#config.store.max_items})`
    this.#out.drops.add({ signal: 'traces', items, reason: 'max_items', error })
  }

  async #flush(context: DeliveryContext): Promise<void> {
    if (this.#series.size === 0) return
    const metrics = this.#series.encode(Date.now())
    this.#pending = 0
    await this.#out.send(metrics, context)
  }
}

/** Adds to an edge what one of its ends says. */
function update(edge: Edge, { isClient, isMessage, service, duration, failed, facts }: RequestEnd): void {
  edge.connectionType = isMessage ? 'messaging_system' : ''
  edge.failed ||= failed
  const prefix = isClient ? 'client' : 'server'
  for (const [name, value] of facts.dimensions) edge.dimensions.set(`${prefix}_${name}`, value)
  if (!isClient) {
    edge.server = service
    edge.serverDuration = duration
    return
  }
  edge.client = service
  edge.clientDuration = duration
  edge.peer = facts.peer ?? edge.peer
  // A database sends no spans: what its client says is all that there is.
  if (facts.database === undefined) return
  edge.connectionType = 'database'
  edge.server = facts.database
  edge.serverDuration = duration
}
