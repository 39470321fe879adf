/** What a metric is, for `/metrics`. */
export interface MetricInfo {
  readonly type: 'counter' | 'gauge'
  readonly help: string
}

const counter = (help: string): MetricInfo => ({ type: 'counter', help })
const gauge = (help: string): MetricInfo => ({ type: 'gauge', help })

/** The metrics of the store, the queries and the process. A name that is not here is given as `untyped`, as its component has it. */
export const METRICS: Readonly<Record<string, MetricInfo>> = {
  spoor_store_opened: counter('Times that the store was opened.'),
  spoor_store_recovered: counter('Files made whole after an interrupted write.'),
  spoor_store_recovered_torn_bytes: counter('Bytes of unfinished, never acknowledged records that were cut off.'),
  spoor_store_damaged: counter('Damaged pieces found in what is stored.'),
  spoor_store_damaged_spans: counter('Spans in damaged pieces, at most; pieces that tell nothing are not in it.'),
  spoor_store_damaged_bytes: counter('Bytes of damaged pieces.'),
  spoor_store_dropped: counter('Times that data was deleted, by reason.'),
  spoor_store_dropped_spans: counter('Spans deleted, by reason.'),
  spoor_store_dropped_bytes: counter('Bytes deleted, by reason.'),
  spoor_store_sealed: counter('Times that segments were sealed; of many in a row, once a minute.'),
  spoor_store_sealed_spans: counter('Spans in segments that were sealed.'),
  spoor_store_not_sealed: counter('Segments that could not be sealed.'),
  spoor_store_full: counter('Times that the disk had less room than the reserve.'),
  spoor_store_failing: counter('Times that a part of the store failed.'),
  spoor_store_recovered_again: counter('Times that a part of the store worked again.'),
  spoor_store_restarted: counter('Times that a part of the store was replaced.'),
  spoor_store_gave_up: counter('Times that a part of the store failed for good.'),
  spoor_store_writable: gauge('1 while the store takes spans.'),
  spoor_store_readable: gauge('1 while the store answers queries.'),
  spoor_ready: gauge('1 while spans are taken and queries answered; what /ready says.'),
  spoor_queries: counter('Queries answered, by lane.'),
  spoor_queries_refused: counter('Queries refused, by lane and reason.'),
  spoor_queries_running: gauge('Queries that are being answered, by lane.'),
  spoor_queries_waiting: gauge('Queries that wait for their turn, by lane.'),
  spoor_budget_bytes: gauge('Bytes in flight, by stage.'),
  spoor_budget_limit_bytes: gauge('Most bytes in flight at a time.'),
  spoor_budget_refusals: counter('Refusals for want of room for bytes in flight, by reason.'),
  otelcol_receiver_accepted_spans: counter('Spans taken, by receiver and transport.'),
  otelcol_receiver_refused_spans: counter('Spans refused, by receiver and transport.'),
  otelcol_receiver_requests: counter('Requests received.'),
  otelcol_exporter_sent_spans: counter('Spans handed on, by exporter.'),
  otelcol_exporter_send_failed_spans: counter('Spans that could not be handed on, by exporter.'),
  otelcol_exporter_queue_size: gauge('Batches in the queue, by exporter.'),
  otelcol_exporter_queue_capacity: gauge('Room in the queue, by exporter.'),
  otelcol_exporter_in_flight_requests: gauge('Requests under way, by exporter.'),
  otelcol_processor_batch_held_bytes: gauge('Bytes that a batch processor holds.'),
  process_resident_memory_bytes: gauge('Memory of the process that is in RAM.'),
  process_cpu_seconds: counter('CPU time of the process, all threads.'),
}
