/** What the doctor sends to see whether it arrives is stored as all else is, and in no answer but that of its own id. */
import type { Filter, SearchEvent, SpanSet, TailEvent, TraceSummary } from '@spoor/storage'

/** The name of the probe's service, by which it is known. */
export const PROBE_SERVICE = 'spoor-doctor'
const MARK = Buffer.from(PROBE_SERVICE)
/** A probe is one small span. Bytes. */
const MAX_PROBE_BYTES = 2_048

const NO_PROBE: Filter = {
  op: 'not',
  arg: { op: 'eq', target: { field: 'service' }, value: PROBE_SERVICE },
}

/** Whether there are probes: where there are none, no question is asked otherwise. */
export interface Probes {
  /** Sees what is stored. */
  readonly note: (batch: { readonly items: number; readonly chunks: readonly { readonly bytes: Uint8Array }[] }) => void
  /** `services`: all that there are in the store, asked once. */
  areThere(services: () => Promise<readonly string[]>): Promise<boolean>
}

export function createProbes(): Probes {
  let seen = false
  let asked: Promise<void> | undefined
  return {
    note({ items, chunks: [first] }) {
      if (seen || items !== 1 || !first || first.bytes.length > MAX_PROBE_BYTES) return
      seen = Buffer.from(first.bytes.buffer, first.bytes.byteOffset, first.bytes.length).includes(MARK)
    },
    async areThere(services) {
      if (seen) return true
      asked ??= services().then(
        (names) => void (seen ||= names.includes(PROBE_SERVICE)),
        () => void (asked = undefined),
      )
      await asked
      return seen
    },
  }
}

/** The same question, of all spans but those of probes. */
export function withoutProbes<Q extends { readonly spans?: SpanSet; readonly filter?: Filter }>(query: Q): Q {
  if (query.spans) return { ...query, spans: without(query.spans) }
  return { ...query, filter: narrowed(query.filter) }
}

function narrowed(filter: Filter | undefined): Filter {
  return filter ? { op: 'and', args: [filter, NO_PROBE] } : NO_PROBE
}

function without(set: SpanSet): SpanSet {
  const all: SpanSet = { op: 'spans', filter: NO_PROBE }
  switch (set.op) {
    case 'spans':
      return { op: 'spans', filter: narrowed(set.filter) }
    case 'and':
    case 'or':
      return { ...set, args: set.args.map(without) }
    case 'related':
      return { ...set, left: without(set.left), right: without(set.right) }
    case 'having':
      return { ...set, arg: without(set.arg) }
    case 'without':
      return { ...set, arg: without(set.arg), among: set.among ? without(set.among) : all }
    default:
      return { ...set, among: set.among ? without(set.among) : all }
  }
}

function isProbe({ services }: TraceSummary): boolean {
  return services.length === 1 && services[0]?.name === PROBE_SERVICE
}

/** An event without the traces of probes; undefined where nothing is left of it. */
export function hideProbes<E extends SearchEvent | TailEvent>(event: E): E | undefined {
  if (event.type !== 'traces' || !event.traces.some(isProbe)) return event
  const traces = event.traces.filter((trace) => !isProbe(trace))
  return traces.length === 0 ? undefined : { ...event, traces }
}
