/** What is counted of partitions; names and labels as the OpenTelemetry Collector has them. */
import type { Context } from '../../component/index.ts'
import type { KafkaReceiverConfig } from './config.ts'
import type { Fetched, Position } from './group.ts'
import type { Partition } from './partition.ts'

/** Seconds. */
const LATENCY_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const DELAY_BOUNDS = [0.01, 0.1, 0.5, 1, 5, 10, 60, 300, 1800, 3600, 86_400]

export class PartitionFigures {
  readonly #context: Context
  readonly #hasDelay: boolean
  readonly #latency
  readonly #gauges = new Map<string, readonly (() => void)[]>()

  constructor(context: Context, config: KafkaReceiverConfig) {
    this.#context = context
    this.#hasDelay = config.telemetry.metrics.kafka_receiver_records_delay.enabled
    this.#latency = context.counters.histogram(
      'otelcol_kafka_receiver_read_latency',
      { receiver: context.id },
      LATENCY_BOUNDS,
    )
  }

  #labels(topic: string, partition: number) {
    return { receiver: this.#context.id, topic, partition: String(partition) }
  }

  begin(partition: Partition): void {
    const { counters, id } = this.#context
    const labels = this.#labels(partition.topic, partition.partition)
    counters.counter('otelcol_kafka_receiver_partition_start', { receiver: id }).value++
    this.#gauges.set(`${partition.topic} ${partition.partition}`, [
      counters.gauge('otelcol_kafka_receiver_current_offset', labels, () => Number(partition.marked)),
      counters.gauge('otelcol_kafka_receiver_offset_lag', labels, () =>
        Math.max(0, Number((partition.end ?? partition.marked) - partition.marked)),
      ),
    ])
  }

  end(name: string): void {
    const gauges = this.#gauges.get(name)
    if (!gauges) return
    for (const remove of gauges) remove()
    this.#gauges.delete(name)
    const { counters, id } = this.#context
    counters.counter('otelcol_kafka_receiver_partition_close', { receiver: id }).value++
  }

  fetched(milliseconds: number): void {
    this.#latency.record(milliseconds / 1000)
  }

  records({ topic, partition, records, bytes }: Fetched): void {
    if (records.length === 0) return
    const { counters } = this.#context
    const labels = this.#labels(topic, partition)
    counters.counter('otelcol_kafka_receiver_records', { ...labels, outcome: 'success' }).value += records.length
    counters.counter('otelcol_kafka_receiver_bytes_uncompressed', { ...labels, outcome: 'success' }).value += bytes
    if (!this.#hasDelay) return
    const delay = counters.histogram('otelcol_kafka_receiver_records_delay', labels, DELAY_BOUNDS)
    delay.record(Math.max(0, Date.now() - records[0]!.timestampMs) / 1000)
  }

  /** Messages that were deleted before they were read. */
  lost({ topic, partition, offset }: Position, from: bigint): void {
    if (offset > from)
      this.#context.counters.counter('spoor_kafka_receiver_lost_messages', this.#labels(topic, partition)).value +=
        Number(offset - from)
  }
}
