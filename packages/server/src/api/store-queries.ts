import type { TelemetryBatch } from '@spoor/otlp'
import {
  type AggregateQuery,
  type Aggregates,
  type Bottleneck,
  type BottleneckQuery,
  type CallOptions,
  type CompareQuery,
  type Dependencies,
  type Differences,
  type ErrorGroups,
  type ErrorGroupsQuery,
  type Flame,
  type FlameQuery,
  type HeatMap,
  type HeatMapQuery,
  type Level,
  type OnPartial,
  type Operation,
  type Pin,
  type SearchEvent,
  type SearchQuery,
  StorageError,
  type TailEvent,
  type TailQuery,
  type TraceStore,
} from '@spoor/storage'
import { hideProbes, PROBE_SERVICE, type Probes, withoutProbes } from '../doctor/hidden-probes.ts'
import type { QueryCall } from '../http/query-call.ts'

/** Limits of a question to the store. */
export type Limits = Pick<QueryCall, 'signal' | 'timeoutMs'>

/**
 * What the APIs ask of a store. Every question ends: with its answer, or with a StorageError `timeout` soon after its
 * time, or `cancelled` as soon as the client has left, even when the store itself hangs.
 */
export interface StoreQueries {
  /** See `TraceStore.trace`. The time is that of each chunk: how long a client takes to read is not the store's. */
  trace(id: string, limits: Limits): AsyncGenerator<Uint8Array>
  /** See `TraceStore.search`. */
  search(query: SearchQuery, limits: Limits): AsyncGenerator<SearchEvent>
  services(limits: Limits): Promise<string[]>
  operations(service: string | undefined, limits: Limits): Promise<Operation[]>
  attributeKeys(limit: number, limits: Limits, level?: Level): Promise<string[]>
  attributeValues(key: string, limit: number, limits: Limits): Promise<string[]>
  dependencies(from: bigint, to: bigint, links: boolean, limits: Limits): Promise<Dependencies>
  aggregate(query: AggregateQuery, limits: Limits, onPartial?: OnPartial<Aggregates>): Promise<Aggregates>
  heatMap(query: HeatMapQuery, limits: Limits, onPartial?: OnPartial<HeatMap>): Promise<HeatMap>
  errorGroups(query: ErrorGroupsQuery, limits: Limits, onPartial?: OnPartial<ErrorGroups>): Promise<ErrorGroups>
  bottleneck(query: BottleneckQuery, limits: Limits, onPartial?: OnPartial<Bottleneck>): Promise<Bottleneck>
  flame(query: FlameQuery, limits: Limits, onPartial?: OnPartial<Flame>): Promise<Flame>
  compare(query: CompareQuery, limits: Limits, onPartial?: OnPartial<Differences>): Promise<Differences>
  /** See `TraceStore.tail`. It has no end of its own; each look has to come. */
  tail(query: TailQuery, limits: Pick<Limits, 'signal'>): AsyncGenerator<TailEvent>
  /** See `TraceStore.append`. */
  append(batch: TelemetryBatch, limits: Limits): Promise<void>
  /** Whether traces that are pinned are kept longer. */
  readonly hasPins: boolean
  pins(limits: Limits): Promise<Pin[]>
  pin(id: string, limits: Limits): Promise<Pin>
  unpin(id: string, limits: Limits): Promise<boolean>
}

/** The store keeps its deadlines itself; only when it is so much late it is not waited for. Milliseconds. */
const LATE_MS = 1_000
/** The most that reading one trace may take in all, its reader's time in it. Milliseconds. */
const STREAM_TIMEOUT_MS = 600_000
/** The most that lies between two looks at what has come. Milliseconds. */
const LOOK_TIMEOUT_MS = 10_000

/** `store`: the store, or a throw of StorageError `closed` while there is none. `probes`: those of the doctor, which are left out of every answer but that of an id. */
export function createStoreQueries(store: () => TraceStore, probes: Probes): StoreQueries {
  const services = (limits: Limits): Promise<string[]> =>
    bounded('the list of services', limits, (call) => store().services(call))
  const shown = async <Q extends Pick<SearchQuery, 'spans' | 'filter'>>(query: Q, limits: Limits): Promise<Q> =>
    (await probes.areThere(() => services(limits))) ? withoutProbes(query) : query
  return {
    trace: (id, limits) => readTrace(store(), id, limits),
    search: (query, limits) => withHidden(readSearch(store(), query, limits)),
    services: async (limits) => (await services(limits)).filter((name) => name !== PROBE_SERVICE),
    operations: (service, limits) =>
      bounded('the list of operations', limits, (call) => store().operations(service, undefined, call)),
    attributeKeys: (limit, limits, level = 'any') =>
      bounded('the list of attributes', limits, (call) => store().attributeKeys(limit, { ...call, level })),
    attributeValues: (key, limit, limits) =>
      bounded('the list of values', limits, (call) => store().attributeValues(key, limit, call)),
    dependencies: (from, to, links, limits) =>
      bounded('the count of calls between services', limits, (call) =>
        store().dependencies(from, to, { ...call, links }),
      ),
    async aggregate(query, limits, tell) {
      const asked = await shown(query, limits)
      return bounded('the aggregate', limits, (call) => store().aggregate({ ...asked, ...call }, tell))
    },
    async bottleneck(query, limits, tell) {
      const asked = await shown(query, limits)
      return bounded('the search for where the time went', limits, (call) =>
        store().bottleneck({ ...asked, ...call }, tell),
      )
    },
    async flame(query, limits, tell) {
      const asked = await shown(query, limits)
      return bounded('the flame graph', limits, (call) => store().flame({ ...asked, ...call }, tell))
    },
    compare: (query, limits, tell) =>
      bounded('the comparison', limits, (call) => store().compare({ ...query, ...call }, tell)),
    errorGroups: (query, limits, tell) =>
      bounded('the list of errors', limits, (call) => store().errorGroups({ ...query, ...call }, tell)),
    tail: (query, limits) => withHidden(readTail(store(), query, limits)),
    async heatMap(query, limits, tell) {
      const asked = await shown(query, limits)
      return bounded('the heat map', limits, (call) => store().heatMap({ ...asked, ...call }, tell))
    },
    append: (batch, limits) => bounded('storing the spans', limits, () => store().append(batch)),
    get hasPins() {
      return store().capabilities.pins
    },
    pins: (limits) => bounded('the list of pins', limits, () => store().pins()),
    pin: (id, limits) => bounded('pinning the trace', limits, () => store().pin(id)),
    unpin: (id, limits) => bounded('taking the pin', limits, () => store().unpin(id)),
  }
}

async function* withHidden<E extends SearchEvent | TailEvent>(events: AsyncGenerator<E>): AsyncGenerator<E> {
  for await (const event of events) {
    const left = hideProbes(event)
    if (left) yield left
  }
}

async function* readTail(
  store: TraceStore,
  query: TailQuery,
  { signal }: Pick<Limits, 'signal'>,
): AsyncGenerator<TailEvent> {
  const events = store.tail({ ...query, signal })[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await bounded('the look at what has come', { signal, timeoutMs: LOOK_TIMEOUT_MS }, () =>
        events.next(),
      )
      if (next.done) return
      yield next.value
    }
  } finally {
    // Not waited for: after an event that never came it would never come either.
    void Promise.resolve(events.return?.()).catch(() => {})
  }
}

async function* readTrace(store: TraceStore, id: string, limits: Limits): AsyncGenerator<Uint8Array> {
  const over = new AbortController()
  const signal = AbortSignal.any([limits.signal, over.signal])
  const chunks = store.trace(id, { signal, timeoutMs: STREAM_TIMEOUT_MS })[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await bounded('reading the trace', limits, () => chunks.next())
      if (next.done) return
      yield next.value
    }
  } finally {
    over.abort()
    // Not waited for: after a chunk that never came it would never come either.
    void Promise.resolve(chunks.return?.()).catch(() => {})
  }
}

/** All events together have the time of the query. */
async function* readSearch(
  store: TraceStore,
  query: SearchQuery,
  { signal, timeoutMs }: Limits,
): AsyncGenerator<SearchEvent> {
  const over = new AbortController()
  const endMs = performance.now() + timeoutMs
  const found = store.search({ ...query, timeoutMs, signal: AbortSignal.any([signal, over.signal]) })
  const events = found[Symbol.asyncIterator]()
  try {
    for (;;) {
      const left = { signal, timeoutMs: Math.max(0, endMs - performance.now()) }
      const next = await bounded('the search', left, () => events.next(), timeoutMs)
      if (next.done) return
      yield next.value
    }
  } finally {
    over.abort()
    // Not waited for: after an event that never came it would never come either.
    void Promise.resolve(events.return?.()).catch(() => {})
  }
}

/** What is asked for, or soon after its time StorageError `timeout`, or `cancelled` as soon as the client has left. `givenMs`: the time that a message names. */
export async function bounded<T>(
  what: string,
  limits: Limits,
  ask: (call: CallOptions) => Promise<T>,
  givenMs = limits.timeoutMs,
): Promise<T> {
  const { signal, timeoutMs } = limits
  const cancelled = () => new StorageError('cancelled', `${what} was given up: the client has left`)
  if (signal.aborted) throw cancelled()
  let onAbort: () => void = () => {}
  let timer: NodeJS.Timeout | undefined
  const cut = new Promise<never>((_, reject) => {
    onAbort = () => reject(cancelled())
    signal.addEventListener('abort', onAbort, { once: true })
    const onLate = () => reject(new StorageError('timeout', `${what} took longer than ${Math.round(givenMs)} ms`))
    timer = setTimeout(onLate, timeoutMs + LATE_MS)
  })
  try {
    return await Promise.race([ask({ signal, timeoutMs }), cut])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}
