/** What each of the collector's metrics is. Names are those of the OpenTelemetry Collector, where it has them. */
import type { MetricLevel } from './config.ts'

export interface MetricInfo {
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  /** As UCUM has it: `By`, `s`. Default: none. */
  readonly unit?: string
  /** The least level that has it. Default: `basic`. */
  readonly level?: Exclude<MetricLevel, 'none'>
}

export type MetricCatalogue = Readonly<Record<string, MetricInfo>>

const ITEMS = [
  ['spans', 'spans'],
  ['metric_points', 'data points'],
  ['log_records', 'log records'],
] as const

type Rest = Omit<MetricInfo, 'type' | 'help'>

const counter = (help: string, rest: Rest = {}): MetricInfo => ({ type: 'counter', help, ...rest })
const gauge = (help: string, rest: Rest = {}): MetricInfo => ({ type: 'gauge', help, ...rest })
const histogram = (help: string, rest: Rest = {}): MetricInfo => ({ type: 'histogram', help, ...rest })

/** One for each signal: `$` in the help stands for its items. */
function perSignal(name: string, help: string, rest: Rest = {}): MetricCatalogue {
  return Object.fromEntries(ITEMS.map(([end, items]) => [`${name}_${end}`, counter(help.replace('$', items), rest)]))
}

const NORMAL = { level: 'normal' } as const
const DETAILED = { level: 'detailed' } as const
const SECONDS_DETAILED = { ...DETAILED, unit: 's' } as const
const BYTES_DETAILED = { ...DETAILED, unit: 'By' } as const

const tailSampling = (end: string, info: MetricInfo): MetricCatalogue => ({
  [`otelcol_processor_tail_sampling_${end}`]: info,
})

const TAIL_SAMPLING: MetricCatalogue = {
  ...tailSampling(
    'count_traces_sampled',
    counter('Number of traces that a policy has decided about, by policy and decision.'),
  ),
  ...tailSampling(
    'count_spans_sampled',
    counter('Number of spans of traces that a policy has decided about, by policy and decision.'),
  ),
  ...tailSampling('global_count_traces_sampled', counter('Number of traces that were decided, by decision.')),
  ...tailSampling('new_trace_id_received', counter('Number of traces that came.')),
  ...tailSampling('sampling_policy_execution_count', counter('Number of times that a policy was asked.', NORMAL)),
  ...tailSampling('sampling_policy_evaluation_error', counter('Number of times that a policy could not decide.')),
  ...tailSampling(
    'sampling_trace_dropped_too_early',
    counter('Number of traces that were dropped without a decision, to make room.'),
  ),
  ...tailSampling('traces_dropped_too_large', counter('Number of traces that were dropped as they were too large.')),
  ...tailSampling('early_decisions', counter('Number of traces that were decided before their time, by reason.')),
  ...tailSampling(
    'early_releases_from_cache_decision',
    counter('Number of late spans whose trace the decision cache knew, by whether it was kept.'),
  ),
  ...tailSampling('sampling_traces_on_memory', gauge('Number of traces that are remembered, waiting or decided.')),
  ...tailSampling('waiting_traces', gauge('Number of traces that wait for a decision.')),
  ...tailSampling('memory_bytes', gauge('Bytes of memory that hold spans.', { unit: 'By' })),
  ...tailSampling(
    'held_bytes',
    gauge('Bytes of spans that are held, in memory or on the disk, until they are decided and handed on.', {
      unit: 'By',
    }),
  ),
  ...tailSampling(
    'sampling_decision_timer_latency',
    histogram('Time that the decisions of a tick take.', { ...NORMAL, unit: 'ms' }),
  ),
  ...tailSampling(
    'sampling_late_span_age',
    histogram('Time from the decision about a trace to a late span of it.', { ...NORMAL, unit: 's' }),
  ),
  ...tailSampling(
    'sampling_trace_removal_age',
    histogram('Time from the first span of a trace until the trace is forgotten.', { ...NORMAL, unit: 's' }),
  ),
}

const groupByTrace = (end: string, info: MetricInfo): MetricCatalogue => ({
  [`otelcol_processor_groupbytrace_${end}`]: info,
})

const GROUP_BY_TRACE: MetricCatalogue = {
  ...groupByTrace('traces_released', counter('Number of traces that were handed on.')),
  ...groupByTrace('spans_released', counter('Number of spans that were handed on.')),
  ...groupByTrace('traces_evicted', counter('Number of traces that were dropped to make room for others.')),
  ...groupByTrace('early_releases', counter('Number of traces that were handed on before their time, by reason.')),
  ...groupByTrace('conf_num_traces', gauge('Most traces that are gathered at a time.')),
  ...groupByTrace('num_traces_in_memory', gauge('Number of traces that are gathered.')),
  ...groupByTrace('memory_bytes', gauge('Bytes of memory that hold spans.', { unit: 'By' })),
  ...groupByTrace('held_bytes', gauge('Bytes of spans that are held until they are handed on.', { unit: 'By' })),
}

const kafka = (end: string, info: MetricInfo): MetricCatalogue => ({ [`otelcol_kafka_${end}`]: info })

const KAFKA: MetricCatalogue = {
  ...kafka('broker_connects', counter('Number of connections to brokers of Kafka, by outcome.')),
  ...kafka('broker_closed', counter('Number of connections to brokers of Kafka that were closed.')),
  ...kafka('exporter_records', counter('Number of messages that were written, by topic, partition and outcome.')),
  ...kafka(
    'exporter_bytes_uncompressed',
    counter('Size of the messages that were written, uncompressed.', { unit: 'By' }),
  ),
  ...kafka('exporter_write_latency', histogram('Time until the brokers acknowledge a request.', { unit: 's' })),
  ...kafka('receiver_records', counter('Number of messages that were fetched, by topic and partition.')),
  ...kafka(
    'receiver_bytes_uncompressed',
    counter('Size of the messages that were fetched, uncompressed.', { unit: 'By' }),
  ),
  ...kafka(
    'receiver_read_latency',
    histogram('Time until a broker answers a fetch, its wait included.', { unit: 's' }),
  ),
  ...kafka(
    'receiver_records_delay',
    histogram('Time from the first message of a fetch to its arrival, by topic and partition.', { unit: 's' }),
  ),
  ...kafka('receiver_current_offset', gauge('Offset behind the last message that is dealt with.')),
  ...kafka('receiver_offset_lag', gauge('Number of messages that are in a partition and not dealt with.')),
  ...kafka('receiver_partition_start', counter('Number of partitions that came to the receiver.')),
  ...kafka('receiver_partition_close', counter('Number of partitions that went from the receiver.')),
  ...perSignal(
    'otelcol_kafka_receiver_unmarshal_failed',
    'Number of messages that should have $ and could not be read.',
  ),
  spoor_kafka_receiver_lost_messages: counter('Number of messages that Kafka deleted before they were read.'),
  ...perSignal('spoor_receiver_dropped', 'Number of $ in messages that the receiver has skipped, by reason.'),
  spoor_receiver_dropped_batches: counter('Number of messages that the receiver has skipped, by reason.'),
}

export const COLLECTOR_METRICS: MetricCatalogue = {
  ...KAFKA,
  ...perSignal('otelcol_receiver_accepted', 'Number of $ that the pipelines have taken, by receiver and transport.'),
  ...perSignal('otelcol_receiver_refused', 'Number of $ that the pipelines have refused, by receiver and transport.'),
  ...perSignal('otelcol_receiver_failed', 'Number of $ that failed in the receiver, by receiver and transport.'),
  otelcol_receiver_requests: counter('Number of requests, by receiver, transport and outcome.', NORMAL),
  otelcol_processor_incoming_items: counter('Number of items that came to the processor.'),
  otelcol_processor_outgoing_items: counter('Number of items that the processor has handed on.'),
  otelcol_processor_internal_duration: histogram(
    'Time that the processor takes for a batch, without what is behind it.',
    {
      ...DETAILED,
      unit: 's',
    },
  ),
  otelcol_exporter_enqueue_size: histogram('Number of items in a request that came to the sending queue.', DETAILED),
  otelcol_exporter_enqueue_size_bytes: histogram('Size of a request that came to the sending queue, uncompressed.', {
    ...DETAILED,
    unit: 'By',
  }),
  otelcol_processor_dropped_items: counter('Number of items that the processor has dropped, by reason.'),
  spoor_processor_failed_statements: counter('Number of statements and conditions that failed for an item.', NORMAL),
  otelcol_processor_dropped_batches: counter('Number of batches that the processor has dropped, by reason.', NORMAL),
  otelcol_processor_probabilistic_sampler_count_traces_sampled: counter(
    'Number of spans that were decided about, by what decided (policy), and whether they were kept (sampled).',
  ),
  otelcol_processor_probabilistic_sampler_count_logs_sampled: counter(
    'Number of log records that were decided about, by what decided (policy), and whether they were kept (sampled).',
  ),
  otelcol_processor_probabilistic_sampler_undecided_items: counter(
    'Number of items that fail_closed decided about, as nothing else could, by reason.',
  ),
  ...TAIL_SAMPLING,
  ...GROUP_BY_TRACE,
  otelcol_processor_batch_batch_send_size: histogram('Number of items in a batch that was sent.', NORMAL),
  otelcol_processor_batch_batch_send_size_bytes: histogram('Size of a batch that was sent, uncompressed.', {
    ...DETAILED,
    unit: 'By',
  }),
  otelcol_processor_batch_batch_size_trigger_send: counter('Number of batches sent because of their size.', NORMAL),
  otelcol_processor_batch_timeout_trigger_send: counter('Number of batches sent because of the timeout.', NORMAL),
  otelcol_processor_batch_shutdown_trigger_send: counter('Number of batches sent because of a stop.', NORMAL),
  otelcol_processor_batch_metadata_cardinality: gauge(
    'Number of distinct metadata values that are batched apart.',
    NORMAL,
  ),
  otelcol_processor_batch_delayed_requests: counter('Number of requests that waited for room.', NORMAL),
  otelcol_processor_batch_refused_requests: counter('Number of requests for which there was no room.', NORMAL),
  otelcol_processor_batch_held_bytes: gauge('Bytes that the batch processor holds.', { ...NORMAL, unit: 'By' }),
  ...perSignal('otelcol_processor_memory_limiter_accepted', 'Number of $ that the memory limiter has let through.'),
  ...perSignal('otelcol_processor_memory_limiter_refused', 'Number of $ that the memory limiter has refused.'),
  ...perSignal('otelcol_exporter_sent', 'Number of $ sent, by exporter and peer.'),
  ...perSignal('otelcol_exporter_send_failed', 'Number of $ that could not be sent, by exporter, peer and reason.'),
  ...perSignal(
    'otelcol_exporter_enqueue_failed',
    'Number of $ that found no room in the sending queue, by exporter and reason.',
  ),
  otelcol_exporter_send_failed_batches: counter(
    'Number of batches that could not be sent, by exporter and reason.',
    NORMAL,
  ),
  otelcol_exporter_enqueue_failed_batches: counter(
    'Number of batches that found no room in the sending queue.',
    NORMAL,
  ),
  otelcol_exporter_queue_size: gauge('What the sending queue of a signal holds, in the unit of its sizer.'),
  otelcol_exporter_queue_capacity: gauge('What the sending queue of a signal can hold, in the unit of its sizer.'),
  otelcol_exporter_in_flight_requests: gauge('Number of requests that are being sent.'),
  otelcol_exporter_queue_batch_send_size: histogram(
    'Number of items in a batch that left the sending queue.',
    DETAILED,
  ),
  otelcol_exporter_queue_batch_send_size_bytes: histogram(
    'Size of a batch that left the sending queue, uncompressed.',
    { ...DETAILED, unit: 'By' },
  ),
  ...perSignal('otelcol_fanout_dropped', 'Number of $ that a fan-out has dropped for one of its branches, by reason.'),
  otelcol_fanout_dropped_batches: counter(
    'Number of batches that a fan-out has dropped for one of its branches.',
    NORMAL,
  ),
  otelcol_loadbalancer_num_backends: gauge('Number of backends that there are.'),
  otelcol_loadbalancer_num_backend_updates: counter('Number of times that the backends have changed.'),
  otelcol_loadbalancer_num_resolutions: counter(
    'Number of times that the backends were asked for, by success.',
    NORMAL,
  ),
  otelcol_fanout_kept_items: gauge('Number of items that a fan-out keeps for a branch.', NORMAL),
  otelcol_fanout_kept_batches: gauge('Number of batches that a fan-out keeps for a branch.', NORMAL),
  otelcol_fanout_kept_bytes: gauge('Bytes that a fan-out keeps for a branch.', { ...NORMAL, unit: 'By' }),
  otelcol_process_uptime: counter('Time since the collector was started.', { unit: 's' }),
  otelcol_process_cpu_seconds: counter('CPU time of the process, all threads, user and system.', { unit: 's' }),
  otelcol_process_memory_rss: gauge('Memory of the process that is in RAM.', { unit: 'By' }),
  otelcol_process_runtime_heap_alloc_bytes: gauge('Memory in use in the heap of the runtime.', { unit: 'By' }),
  otelcol_process_runtime_total_sys_memory_bytes: gauge(
    'Memory that the runtime has from the system: its heap and its buffers.',
    { unit: 'By' },
  ),
  http_server_request_duration: histogram('Time from an HTTP request to the end of its answer.', SECONDS_DETAILED),
  http_server_request_body_size: histogram('Size of the bodies of HTTP requests, as they came.', BYTES_DETAILED),
  http_server_response_body_size: histogram('Size of the bodies of answers to HTTP requests.', BYTES_DETAILED),
  http_client_request_duration: histogram(
    'Time from an HTTP request of an exporter to the head of its answer.',
    SECONDS_DETAILED,
  ),
  http_client_request_body_size: histogram(
    'Size of the bodies of HTTP requests of exporters, as they went.',
    BYTES_DETAILED,
  ),
  rpc_server_call_duration: histogram('Time from a call of gRPC to the end of its answer.', SECONDS_DETAILED),
  rpc_client_call_duration: histogram(
    'Time from a call of gRPC by an exporter to the end of its answer.',
    SECONDS_DETAILED,
  ),
  ...perSignal('spoor_connector_dropped', 'Number of $ that a connector has lost, by reason.'),
  spoor_connector_dropped_batches: counter('Number of times that a connector has lost something, by reason.', NORMAL),
  otelcol_connector_servicegraph_total_edges: counter('Number of requests of which a span has come.'),
  otelcol_connector_servicegraph_expired_edges: counter('Number of requests whose other end has not come in time.'),
  otelcol_connector_servicegraph_dropped_spans: counter(
    'Number of spans that found no room to wait for their other end.',
  ),
  spoor_connector_failed_statements: counter('Number of conditions and statements that failed for an item.', NORMAL),
  spoor_connector_overflowed_spans: counter('Spans that are counted in the series for all that is beyond the limit.'),
  spoor_connector_series: gauge('Series that a connector keeps counting.', NORMAL),
  ...perSignal('spoor_exporter_dropped', 'Number of $ that an exporter cannot show, by reason.'),
  spoor_exporter_dropped_batches: counter(
    'Number of times that an exporter could not show something, by reason.',
    NORMAL,
  ),
  spoor_exporter_series: gauge('Series that an exporter shows.', NORMAL),
  spoor_receiver_rejected_spans: counter('Spans refused one by one, by reason.'),
  spoor_receiver_dropped_packets: counter('Datagrams that were lost, by receiver, transport and reason.'),
  spoor_receiver_bad_lines: counter('Lines of files that could not be taken.'),
  spoor_receiver_connections: gauge('Open connections, by receiver and transport.', NORMAL),
  spoor_receiver_dropped_connections: counter('Connections that were cut, by reason.', NORMAL),
  spoor_receiver_other_protocol: counter("Connections that speak the other protocol than the port's.", NORMAL),
  spoor_ledger_senders: gauge('Senders that are remembered.', DETAILED),
  spoor_ledger_forgotten_senders: counter('Senders that were forgotten to make room for others.', DETAILED),
  spoor_budget_bytes: gauge('Bytes in flight, by stage.', NORMAL),
  spoor_budget_limit_bytes: gauge('Most bytes in flight at a time.', NORMAL),
  spoor_budget_refusals: counter('Refusals for want of room for bytes in flight, by reason.'),
}
