import type { Counter, Counters, Logger } from '@spoor/collector'
import {
  describeStoreEvent,
  STORE_EVENTS,
  type StoreEvent,
  type StoreEventCode,
  type StoreEventFields,
  type StorePart,
} from '@spoor/storage'

type DropReason = StoreEventFields['dropped']['reason']

/** Parts that can fail of a data directory, and of a store on another machine. */
const LOCAL_PARTS: readonly StorePart[] = [
  'writer',
  'lookup_reader',
  'search_reader',
  'sealer',
  'disk',
  'sealing',
  'keeping',
]
const REMOTE_PARTS: readonly StorePart[] = ['server', 'connection']

/** The values of the labels that events have, so that every series is there from the start, and an alert sees its first step. */
const labelValues = (isLocal: boolean): Readonly<Record<string, readonly string[]>> => ({
  reason: ['size', 'age', 'space', 'request', 'kept_size', 'kept_age'] satisfies DropReason[],
  part: isLocal ? LOCAL_PARTS : REMOTE_PARTS,
})

/** Why traces are kept longer. */
const KEPT_REASONS = ['pinned', 'errors', 'slow', 'continued'] as const

/** Names of the counters that add up what events tell, beside how often they came. */
const AMOUNTS = {
  droppedSpans: 'spoor_store_dropped_spans',
  droppedBytes: 'spoor_store_dropped_bytes',
  damagedSpans: 'spoor_store_damaged_spans',
  damagedBytes: 'spoor_store_damaged_bytes',
  tornBytes: 'spoor_store_recovered_torn_bytes',
  sealedSpans: 'spoor_store_sealed_spans',
  keptSpans: 'spoor_store_kept_spans',
  keptTraces: 'spoor_store_kept_traces',
} as const

/**
 * Hears a store's events: each is a line in the log, of the event's severity, in the words of `describeStoreEvent` and
 * with its fields; and adds one to its counter of `STORE_EVENTS`. Spans and bytes that were dropped (by reason) or
 * damaged have counters of their own. `isLocal`: the store is a data directory; default true.
 */
export function createStoreEvents(logger: Logger, counters: Counters, isLocal = true): (event: StoreEvent) => void {
  const values = labelValues(isLocal)
  const count = (event: StoreEvent): Counter => {
    const { metric, label } = STORE_EVENTS[event.code]
    const value = (event as unknown as Record<string, string>)[label ?? '']
    return counters.counter(metric, label === undefined || value === undefined ? {} : { [label]: value })
  }
  for (const code of Object.keys(STORE_EVENTS) as StoreEventCode[]) {
    const { metric, label } = STORE_EVENTS[code]
    if (label === undefined) counters.counter(metric, {})
    else for (const value of values[label] ?? []) counters.counter(metric, { [label]: value })
  }
  for (const reason of values['reason']!) {
    counters.counter(AMOUNTS.droppedSpans, { reason })
    counters.counter(AMOUNTS.droppedBytes, { reason })
  }
  const damagedSpans = counters.counter(AMOUNTS.damagedSpans, {})
  const damagedBytes = counters.counter(AMOUNTS.damagedBytes, {})
  const tornBytes = counters.counter(AMOUNTS.tornBytes, {})
  const sealedSpans = counters.counter(AMOUNTS.sealedSpans, {})
  const keptSpans = counters.counter(AMOUNTS.keptSpans, {})
  for (const reason of KEPT_REASONS) counters.counter(AMOUNTS.keptTraces, { reason })

  return (event) => {
    count(event).value++
    if (event.code === 'dropped') {
      counters.counter(AMOUNTS.droppedSpans, { reason: event.reason }).value += event.spans
      counters.counter(AMOUNTS.droppedBytes, { reason: event.reason }).value += event.bytes
    } else if (event.code === 'damaged') {
      damagedSpans.value += event.maxSpans ?? 0
      damagedBytes.value += event.bytes
    } else if (event.code === 'recovered') {
      tornBytes.value += event.tornBytes
    } else if (event.code === 'sealed') {
      sealedSpans.value += event.spans
    } else if (event.code === 'kept') {
      keptSpans.value += event.spans
      for (const reason of KEPT_REASONS) counters.counter(AMOUNTS.keptTraces, { reason }).value += event[reason]
    }
    const { code, ...fields } = event
    logger[STORE_EVENTS[code].severity]({ event: code, ...fields }, describeStoreEvent(event))
  }
}
