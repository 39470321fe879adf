/** Counts of what comes by, each batch by itself. */
import {
  createBatch,
  editRequest,
  encodeSeries,
  type KeyValue,
  type ResourceSeries,
  type ResourceView,
  type Signal,
  type TelemetryBatch,
  type Visitor,
} from '@spoor/otlp'
import {
  CollectorError,
  toCollectorError,
  type Component,
  type Consumer,
  type Context,
  type DeliveryContext,
} from '../../component/index.ts'
import { Item, type FailureListener } from '../../ottl/index.ts'
import type { CountConfig } from './config.ts'
import { Counter, definitionsOf, type Lookup } from './counter.ts'

const NS_PER_MS = 1_000_000n
const SCOPE = 'github.com/open-telemetry/opentelemetry-collector-contrib/connector/countconnector'
const NOTHING: Lookup = { get: () => undefined }

export class CountConnector implements Component, Consumer {
  readonly #next: Consumer
  readonly #definitions: Readonly<
    Record<Signal, readonly [ReturnType<typeof definitionsOf>, ReturnType<typeof definitionsOf>]>
  >
  readonly #failed: FailureListener

  constructor({ id }: Context, config: CountConfig, next: Consumer) {
    this.#next = next
    this.#definitions = {
      traces: [definitionsOf(config, 'spans'), definitionsOf(config, 'spanevents')],
      metrics: [definitionsOf(config, 'metrics'), definitionsOf(config, 'datapoints')],
      logs: [definitionsOf(config, 'logs'), []],
    }
    this.#failed = (condition, error) => {
      const message = `${id}: condition ${condition}: ${error.message}`
      throw new CollectorError('invalid_data', message, { cause: error })
    }
  }

  get durable(): boolean {
    return this.#next.durable === true
  }

  async start(): Promise<void> {}

  readonly consume: Consumer['consume'] = async (batch, context) => {
    const now = BigInt(Date.now()) * NS_PER_MS
    const resources = this.#count(batch, context, now)
    if (resources.length === 0) return
    const items = resources.reduce(
      (all, { metrics }) => all + metrics.reduce((sum, { points }) => sum + points.length, 0),
      0,
    )
    await this.#next.consume(createBatch('metrics', [{ bytes: encodeSeries(resources, now), items }]), context)
  }

  async shutdown(): Promise<void> {}

  #count({ signal, chunks }: TelemetryBatch, delivery: DeliveryContext, now: bigint): ResourceSeries[] {
    const found: ResourceSeries[] = []
    const [outer, inner] = this.#definitions[signal]
    const visit = new Visit(this.#failed, delivery)
    const end = (): void => {
      const { attributes, counters } = visit
      const metrics = counters.flatMap((counter) => counter.metrics(now))
      if (metrics.length > 0) found.push({ attributes, scope: SCOPE, metrics })
    }
    const begin = (resource: ResourceView): void => {
      end()
      visit.begin(resource, [new Counter(outer), new Counter(inner)])
    }
    try {
      for (const { bytes } of chunks) {
        if (signal === 'traces') editRequest(signal, bytes, visit.traces(begin))
        else if (signal === 'metrics') editRequest(signal, bytes, visit.metrics(begin))
        else editRequest(signal, bytes, visit.logs(begin))
      }
    } catch (error) {
      throw toCollectorError(error)
    }
    end()
    return found
  }
}

/** A walk over a request; nothing is changed by it. */
class Visit {
  attributes: readonly KeyValue[] = []
  counters: readonly Counter[] = []
  readonly #item = new Item()
  readonly #failed: FailureListener

  constructor(failed: FailureListener, delivery: DeliveryContext) {
    this.#failed = failed
    this.#item.delivery = delivery
  }

  begin(resource: ResourceView, counters: readonly Counter[]): void {
    this.attributes = resource.attributes.toArray()
    this.counters = counters
    this.#item.resource = resource
  }

  traces(resource: (view: ResourceView) => void): Visitor<'traces'> {
    const item = this.#item
    return {
      resource,
      scope: (scope) => void (item.scope = scope),
      item: (span, scope, of) => {
        const [spans, events] = this.counters as [Counter, Counter]
        item.span = span
        spans.see(span.startTimeUnixNano)
        spans.see(span.endTimeUnixNano)
        spans.add(item, [span.attributes, scope.attributes, of.attributes], this.#failed)
        span.forEachEvent((event) => {
          item.event = event
          events.see(event.timeUnixNano)
          events.add(item, [event.attributes, scope.attributes, of.attributes], this.#failed)
        })
      },
    }
  }

  metrics(resource: (view: ResourceView) => void): Visitor<'metrics'> {
    const item = this.#item
    return {
      resource,
      scope: (scope) => void (item.scope = scope),
      item: (metric, scope, of) => {
        const [metrics, points] = this.counters as [Counter, Counter]
        item.metric = metric
        metrics.add(item, [NOTHING], this.#failed)
        if (metric.type === undefined) return
        metric.forEachPoint((point) => {
          item.point = point
          points.see(point.timeUnixNano)
          points.add(item, [point.attributes, scope.attributes, of.attributes], this.#failed)
        })
      },
    }
  }

  logs(resource: (view: ResourceView) => void): Visitor<'logs'> {
    const item = this.#item
    return {
      resource,
      scope: (scope) => void (item.scope = scope),
      item: (log, scope, of) => {
        item.log = log
        const [logs] = this.counters as [Counter]
        logs.see(log.timeUnixNano)
        logs.add(item, [log.attributes, scope.attributes, of.attributes], this.#failed)
      },
    }
  }
}
