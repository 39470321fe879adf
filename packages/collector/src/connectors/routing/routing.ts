/**
 * Sends what is in a batch to the pipelines that are chosen for it. A request that all goes one way is handed on as it came; one that is divided is
 * cut in its bytes.
 */
import { createBatch, shareMemory, type Chunk, type Signal, type TelemetryBatch } from '@spoor/otlp'
import {
  CollectorError,
  ITEM_NAMES,
  joinErrors,
  toCollectorError,
  type Component,
  type Consumer,
  type Context,
  type Counter,
  type DeliveryContext,
} from '../../component/index.ts'
import { listenersWith } from '../../ottl/index.ts'
import { compileRoute, signalOf, type RouteConfig, type RoutingConfig } from './config.ts'
import { parseRequestCondition } from './request-condition.ts'
import { Sorter, type SorterRoute } from './sorter.ts'

export class RoutingConnector implements Component, Consumer {
  readonly #id: string
  readonly #signal: Signal
  readonly #sorter: Sorter
  /** Of each route that the sorter has, and last of the rest, where somebody wants it. */
  readonly #consumers: readonly Consumer[]
  readonly #dropped: Counter
  /** Of batches whose sender heard an error: who has taken a part of them nevertheless. */
  readonly #taken = new WeakMap<TelemetryBatch, ReadonlySet<Consumer>>()

  /** `routes`: of the table, and behind them that of the rest, where there is one. */
  constructor(context: Context, config: RoutingConfig, routes: readonly Consumer[]) {
    const { id, counters } = context
    const { table, error_mode: mode } = config
    const signal = signalOf(config)!
    this.#id = id
    this.#signal = signal
    const kept = withoutRepeated(table, context)
    this.#consumers = [...kept.map((index) => routes[index]!), ...routes.slice(table.length)]
    const labels = { connector: id }
    const failed = counters.counter('spoor_connector_failed_statements', labels)
    this.#sorter = new Sorter(
      signal,
      kept.map((index) => compiled(table[index]!, signal)),
      config.default_pipelines.length > 0,
      listenersWith(context, failed, 'condition')(mode),
    )
    this.#dropped = counters.counter(`spoor_connector_dropped_${ITEM_NAMES[signal]}`, { ...labels, reason: 'no_route' })
  }

  /** An answer means that each part of the batch is on disk that goes to where that is so. */
  get durable(): boolean {
    return this.#consumers.some((consumer) => consumer.durable === true)
  }

  async start(): Promise<void> {}

  readonly consume: Consumer['consume'] = async (batch, context) => {
    if (batch.signal !== this.#signal)
      throw new CollectorError('internal', `${this.#id} has no routes for ${batch.signal}`)
    const parts = this.#divide(batch, context)
    const before = this.#taken.get(batch)
    const missing = before ? parts.filter(([consumer]) => !before.has(consumer)) : parts
    const errors: CollectorError[] = []
    const taken = new Set(before)
    await Promise.all(
      missing.map(async ([consumer, part]) => {
        try {
          await consumer.consume(part, context)
          taken.add(consumer)
        } catch (error) {
          errors.push(toCollectorError(error))
        }
      }),
    )
    if (errors.length === 0) return
    this.#taken.set(batch, taken)
    throw joinErrors(errors, 'all')
  }

  async shutdown(): Promise<void> {}

  /** What each is handed; a batch that all goes to one is that batch itself. */
  #divide(batch: TelemetryBatch, delivery: DeliveryContext): [Consumer, TelemetryBatch][] {
    let sorted
    try {
      sorted = this.#sorter.sort(batch.chunks, delivery)
    } catch (error) {
      throw toCollectorError(error)
    }
    const parts = new Map<Consumer, Chunk[]>()
    for (const [index, chunks] of sorted.chunks.entries()) {
      if (chunks.length === 0) continue
      const consumer = this.#consumers[index]!
      parts.set(consumer, [...(parts.get(consumer) ?? []), ...chunks])
    }
    // One that comes again was counted.
    if (!this.#taken.has(batch)) this.#dropped.value += sorted.dropped
    if (parts.size > 1) shareMemory(batch)
    return Array.from(parts, ([consumer, chunks]) => [
      consumer,
      whole(batch, chunks) ?? createBatch(batch.signal, chunks),
    ])
  }
}

function whole(batch: TelemetryBatch, chunks: readonly Chunk[]): TelemetryBatch | undefined {
  const isWhole = chunks.length === batch.chunks.length && chunks.every((chunk, index) => chunk === batch.chunks[index])
  return isWhole ? batch : undefined
}

/** The places in the table of those routes that are not there already. */
function withoutRepeated(table: readonly RouteConfig[], { id, logger }: Context): number[] {
  const seen = new Set<string>()
  const kept: number[] = []
  for (const [index, { context, condition, statement }] of table.entries()) {
    const key = [context ?? '', statement === '' ? `route() where ${condition}` : statement].join(' ')
    if (seen.has(key)) {
      const message = 'A route is in the table already, and has no effect.'
      logger.warn({ component: id, route: index, condition: condition || statement }, message)
    } else kept.push(index)
    seen.add(key)
  }
  return kept
}

/** The schema has seen to it that there are no problems. */
function compiled(route: RouteConfig, signal: Signal): SorterRoute {
  const isCopy = route.action === 'copy'
  if (route.context === 'request') return { isCopy, by: parseRequestCondition(route.condition)! }
  const outcome = compileRoute(route, signal)
  if (outcome.problems) throw new CollectorError('config', outcome.problems[0]!.message)
  return { isCopy, by: outcome.value }
}
