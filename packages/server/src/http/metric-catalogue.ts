import { COLLECTOR_METRICS, type MetricCatalogue, type MetricInfo } from '@spoor/collector'

const counter = (help: string): MetricInfo => ({ type: 'counter', help })
const gauge = (help: string): MetricInfo => ({ type: 'gauge', help })

/** The metrics of `spoor`: those of the collector, the store, the queries and the process. */
export const METRICS: MetricCatalogue = {
  ...COLLECTOR_METRICS,
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
  spoor_store_crowded: counter('Stores whose lists of operations leave some out, as a segment has too many.'),
  spoor_store_not_sealed: counter('Segments that could not be sealed.'),
  spoor_store_full: counter('Times that the disk had less room than the reserve.'),
  spoor_store_failing: counter('Times that a part of the store failed.'),
  spoor_store_recovered_again: counter('Times that a part of the store worked again.'),
  spoor_store_restarted: counter('Times that a part of the store was replaced.'),
  spoor_store_gave_up: counter('Times that a part of the store failed for good.'),
  spoor_store_sealed_segments: gauge('Segments that are sealed.'),
  spoor_store_sealed_saved_bytes: gauge('Bytes that sealed segments take less than they took before.'),
  spoor_store_sealing_waiting_segments: gauge('Closed segments that are to be sealed.'),
  spoor_store_sealing_waiting_bytes: gauge('Bytes of closed segments that are to be sealed.'),
  spoor_store_writable: gauge('1 while the store takes spans.'),
  spoor_store_readable: gauge('1 while the store answers queries.'),
  spoor_ready: gauge('1 while spans are taken and queries answered; what /ready says.'),
  spoor_queries: counter('Queries answered, by lane.'),
  spoor_queries_refused: counter('Queries refused, by lane and reason.'),
  spoor_queries_running: gauge('Queries that are being answered, by lane.'),
  spoor_queries_waiting: gauge('Queries that wait for their turn, by lane.'),
  process_resident_memory_bytes: gauge('Memory of the process that is in RAM.'),
  process_cpu_seconds: counter('CPU time of the process, all threads.'),
}
