import { resolve } from 'node:path'
import type { TelemetryBatch } from '@spoor/otlp'
import {
  ORDERS,
  StorageError,
  type AggregateEnd,
  type AggregateQuery,
  type Aggregates,
  type Bottleneck,
  type BottleneckQuery,
  type CallOptions,
  type CompareQuery,
  type Dependencies,
  type DependenciesOptions,
  type Differences,
  type ErrorGroups,
  type ErrorGroupsQuery,
  type Flame,
  type FlameQuery,
  type HeatMap,
  type HeatMapQuery,
  type Level,
  type Measures,
  type OnPartial,
  type Operation,
  type Pin,
  type Capabilities,
  type SearchEnd,
  type SearchEvent,
  type SearchQuery,
  type StoreStats,
  type TailEvent,
  type TailQuery,
  type TraceStore,
} from '../../contract.ts'
import { createHealth, type StoreEvent, type StoreHealth } from '../../events.ts'
import { settingsOf, type LocalStoreOptions } from '../options.ts'
import type { Host } from '../runtime.ts'
import { storageError } from './error.ts'
import { EventQueue } from './event-queue.ts'
import { ReaderClient } from './reader-client.ts'
import { SealerClient } from './sealer-client.ts'
import { tail } from './tail.ts'
import { endEarlyThreads } from './early.ts'
import { threadHost } from './thread-host.ts'
import type { PinChange } from './protocol.ts'
import { WriterClient, type PinAnswer } from './writer-client.ts'

/**
 * Opens the embedded engine on a data directory: one that does not exist is made, one that was left by a crash is recovered first.
 * Throws StorageError `locked` when another process has it, `corrupt` when it is not Spoor's, `io` or `disk_full` when it cannot be
 * used, `cancelled` when `signal` ends it before.
 *
 * Five threads: the caller's copies batches to the writer and hands out answers; the writer owns the files; one reader answers lookups, another, from the first search or
 * closed segment on, searches, so that no search stops a lookup; the sealer, from the first closed segment on, writes these anew. Each is replaced when it ends or
 * does not answer; see `supervisor.ts`.
 */
export async function openLocalStore(options: LocalStoreOptions): Promise<TraceStore> {
  try {
    return await openStoreOn(threadHost, { ...options, directory: resolve(options.directory) })
  } finally {
    // Of one that is only read, or cannot be opened.
    endEarlyThreads()
  }
}

/** As {@link openLocalStore}, on other threads, files and time than the machine's. */
export async function openStoreOn(host: Host, options: LocalStoreOptions): Promise<TraceStore> {
  const { signal } = options
  const settings = settingsOf(options)
  const cancelled = new StorageError('cancelled', `opening ${settings.directory} was cancelled`)
  if (signal?.aborted) throw cancelled
  const store = new LocalStore(host, settings, options.onEvent)
  const aborted = Promise.withResolvers<never>()
  const abort = (): void => aborted.reject(cancelled)
  signal?.addEventListener('abort', abort, { once: true })
  try {
    await Promise.race([store.open(), aborted.promise])
    return store
  } catch (error) {
    await store.abandon()
    throw storageError(error, `opening ${settings.directory}`)
  } finally {
    signal?.removeEventListener('abort', abort)
  }
}

const CLOSE_DEADLINE_MS = 10_000
/** The share of a deadline that is left for ending threads when what they do is given up. */
const END_SHARE = 0.1

const CAPABILITIES: Capabilities = {
  bytes: 'own',
  structure: true,
  orders: ORDERS,
  totals: 'exact',
  deletion: ['retention'],
  pins: false,
  aggregates: true,
  compare: true,
  errorGroups: true,
  tail: true,
}
const NOTHING_FOUND: SearchEnd = {
  next: undefined,
  complete: false,
  total: { traces: 0, exact: false },
  spansScanned: 0,
  bytesRead: 0,
  elapsedMs: 0,
}

const NOTHING_LOOKED_AT: AggregateEnd = {
  from: 0n,
  to: 0n,
  bucketsFrom: 0n,
  bucketNs: 0n,
  complete: false,
  spansScanned: 0,
  bytesRead: 0,
  elapsedMs: 0,
}
const NO_TRACES = { traces: 0, requestNs: 0, sampled: false }
const NO_MEASURES: Measures = {
  count: 0,
  errors: 0,
  perSecond: 0,
  sumNs: 0,
  minNs: 0,
  maxNs: 0,
  percentilesNs: [],
  exemplars: [],
}

function noPins(): StorageError {
  return new StorageError(
    'bad_query',
    'no trace can be pinned, as this store keeps none longer for it; open it with keep.pinned (spoor --keep pinned)',
  )
}

/** A query, and the limits of its call: a signal does not go to another thread. */
function withoutLimits<T extends CallOptions>(query: T): readonly [T, CallOptions] {
  const { signal, timeoutMs, maxBytes, ...rest } = query
  const limits = {
    ...(signal && { signal }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(maxBytes !== undefined && { maxBytes }),
  }
  return [rest as T, limits]
}

class LocalStore implements TraceStore {
  readonly capabilities: Capabilities
  readonly #host: Host
  readonly #directory: string
  readonly #readOnly: boolean
  readonly #keeps: boolean
  readonly #writer: WriterClient
  readonly #lookups: ReaderClient
  readonly #searches: ReaderClient
  /** Undefined where nothing is to be sealed. */
  readonly #sealer: SealerClient | undefined
  readonly #onEvent: (event: StoreEvent) => void
  readonly #health = createHealth()
  readonly #failed = Promise.withResolvers<StorageError>()
  readonly failed = this.#failed.promise
  #closing: Promise<void> | undefined

  constructor(host: Host, settings: ReturnType<typeof settingsOf>, onEvent: (event: StoreEvent) => void = () => {}) {
    this.#host = host
    this.#directory = settings.directory
    this.#readOnly = settings.readOnly
    this.#keeps = settings.keep !== undefined
    this.capabilities = { ...CAPABILITIES, pins: (settings.keep?.pinned ?? false) && !settings.readOnly }
    this.#onEvent = onEvent
    const tell = (event: StoreEvent): void => this.#tell(event)
    const gaveUp = (error: StorageError): void => this.#fail(error)
    const join = (): void => {
      this.#lookups.join()
      this.#searches.join()
      this.#sealer?.join()
    }
    this.#writer = new WriterClient(host, settings, tell, join, () => this.#hasGrown(), gaveUp)
    const connect = this.#writer.connect.bind(this.#writer)
    this.#lookups = new ReaderClient('lookup_reader', host, settings, tell, connect, gaveUp)
    this.#searches = new ReaderClient('search_reader', host, settings, tell, connect, gaveUp)
    if (settings.seal && !settings.readOnly)
      this.#sealer = new SealerClient(host, settings, tell, () => connect('sealer'))
  }

  /** Resolves when it can be used. */
  async open(): Promise<void> {
    const startedMs = this.#host.clock.monotonicMs()
    this.#writer.start()
    this.#lookups.start()
    if (this.#keeps) this.#sealer?.start()
    const failed = this.failed.then((error) => {
      throw error
    })
    await Promise.race([Promise.all([this.#writer.opened, this.#lookups.joined]), failed])
    const { spans, segments } = await this.#lookups.call({ method: 'stats' }, { timeoutMs: Infinity })
    if (segments > 1) this.#searches.start()
    const elapsedMs = Math.round(this.#host.clock.monotonicMs() - startedMs)
    this.#tell({ code: 'opened', directory: this.#directory, spans, segments, elapsedMs, readOnly: this.#readOnly })
  }

  /** There are closed segments: to be sealed, and to be known by whoever searches before the first search. */
  #hasGrown(): void {
    this.#searches.start()
    this.#sealer?.start()
  }

  append(batch: TelemetryBatch): Promise<void> {
    return this.#writer.append(batch)
  }

  async *trace(id: string, options?: CallOptions): AsyncIterable<Uint8Array> {
    const traceId = id.toLowerCase()
    if (!/^[0-9a-f]{32}$/.test(traceId)) return
    const stream = await this.#lookups.call({ method: 'openTrace', traceId }, options)
    try {
      for (;;) {
        const { chunks, done } = await this.#lookups.call({ method: 'nextTrace', stream }, options)
        yield* chunks
        if (done) return
      }
    } finally {
      this.#lookups.closeStream(stream)
    }
  }

  async *search(query: SearchQuery): AsyncIterable<SearchEvent> {
    const [rest, limits] = withoutLimits(query)
    if (limits.signal?.aborted) {
      yield { type: 'end', ...NOTHING_FOUND }
      return
    }
    const leaves = new AbortController()
    const signal = limits.signal ? AbortSignal.any([limits.signal, leaves.signal]) : leaves.signal
    const events = new EventQueue<SearchEvent>((event) => event.type === 'progress')
    const end = this.#searches.call({ method: 'search', query: rest }, { ...limits, signal }, (event) =>
      events.push(event),
    )
    try {
      yield* events.until(end)
      yield { type: 'end', ...(await end) }
    } finally {
      leaves.abort()
    }
  }

  services(options?: CallOptions): Promise<string[]> {
    return this.#lookups.call({ method: 'services' }, options)
  }

  operations(service: string | undefined, kind?: number, options?: CallOptions): Promise<Operation[]> {
    return this.#lookups.call({ method: 'operations', service, kind }, options)
  }

  attributeKeys(limit = 200, options?: CallOptions & { readonly level?: Level }): Promise<string[]> {
    const { level = 'any', ...limits } = options ?? {}
    return this.#searches.call({ method: 'attributeKeys', limit, level }, limits)
  }

  attributeValues(key: string, limit = 100, options?: CallOptions): Promise<string[]> {
    return this.#searches.call({ method: 'attributeValues', key, limit }, options)
  }

  async dependencies(from: bigint, to: bigint, options?: DependenciesOptions): Promise<Dependencies> {
    if (options?.signal?.aborted) return { edges: [], complete: false }
    return this.#searches.call({ method: 'dependencies', from, to, links: options?.links ?? true }, options)
  }

  async aggregate(query: AggregateQuery, onPartial?: OnPartial<Aggregates>): Promise<Aggregates> {
    const [rest, limits] = withoutLimits(query)
    if (limits.signal?.aborted) return { total: NO_MEASURES, groups: [], rest: undefined, ...NOTHING_LOOKED_AT }
    return this.#searches.call({ method: 'aggregate', query: rest, tells: onPartial !== undefined }, limits, onPartial)
  }

  async heatMap(query: HeatMapQuery, onPartial?: OnPartial<HeatMap>): Promise<HeatMap> {
    const [rest, limits] = withoutLimits(query)
    if (limits.signal?.aborted)
      return {
        edgesNs: [0, 1],
        counts: new Uint32Array(),
        errors: new Uint32Array(),
        exemplars: [],
        ...NOTHING_LOOKED_AT,
      }
    return this.#searches.call({ method: 'heatMap', query: rest, tells: onPartial !== undefined }, limits, onPartial)
  }

  async errorGroups(query: ErrorGroupsQuery, onPartial?: OnPartial<ErrorGroups>): Promise<ErrorGroups> {
    const [rest, limits] = withoutLimits(query)
    if (limits.signal?.aborted) return { spans: 0, groups: [], moreGroups: 0, ...NOTHING_LOOKED_AT }
    return this.#searches.call(
      { method: 'errorGroups', query: rest, tells: onPartial !== undefined },
      limits,
      onPartial,
    )
  }

  async bottleneck(query: BottleneckQuery, onPartial?: OnPartial<Bottleneck>): Promise<Bottleneck> {
    const [rest, limits] = withoutLimits(query)
    if (limits.signal?.aborted) return { ...NO_TRACES, services: [], operations: [], ...NOTHING_LOOKED_AT }
    return this.#searches.call({ method: 'bottleneck', query: rest, tells: onPartial !== undefined }, limits, onPartial)
  }

  async flame(query: FlameQuery, onPartial?: OnPartial<Flame>): Promise<Flame> {
    const [rest, limits] = withoutLimits(query)
    if (limits.signal?.aborted) return { ...NO_TRACES, frames: [], others: undefined, ...NOTHING_LOOKED_AT }
    return this.#searches.call({ method: 'flame', query: rest, tells: onPartial !== undefined }, limits, onPartial)
  }

  async compare(query: CompareQuery, onPartial?: OnPartial<Differences>): Promise<Differences> {
    const [rest, limits] = withoutLimits(query)
    if (limits.signal?.aborted) {
      const { complete, spansScanned, bytesRead, elapsedMs } = NOTHING_LOOKED_AT
      return { a: 0, b: 0, differences: [], complete, spansScanned, bytesRead, elapsedMs }
    }
    return this.#searches.call({ method: 'compare', query: rest, tells: onPartial !== undefined }, limits, onPartial)
  }

  tail(query: TailQuery): AsyncIterable<TailEvent> {
    return tail(this.#searches, this.#host.clock, query)
  }

  async pin(traceId: string): Promise<Pin> {
    if (!this.capabilities.pins && !this.#closing) throw noPins()
    const { pins } = await this.#pins({ traceId, isPinned: true })
    return { traceId, pinnedMs: pins.find(([id]) => id === traceId)![1] }
  }

  async unpin(traceId: string): Promise<boolean> {
    return (await this.#pins({ traceId, isPinned: false })).isChanged
  }

  async pins(): Promise<Pin[]> {
    return (await this.#pins()).pins.map(([traceId, pinnedMs]) => ({ traceId, pinnedMs })).reverse()
  }

  async #pins(change?: PinChange): Promise<PinAnswer> {
    if (this.#closing) throw this.#closed()
    if (change && !/^[0-9a-f]{32}$/.test(change.traceId))
      throw new StorageError('bad_query', `"${change.traceId}" is not a trace id: 32 hex digits, lower case`)
    return this.#writer.pins(change)
  }

  async stats(options?: CallOptions): Promise<StoreStats> {
    const stats = await this.#lookups.call({ method: 'stats' }, options)
    return { ...stats, appended: this.#writer.appended, recovered: this.#writer.recovered }
  }

  health(): StoreHealth {
    const { sealing, keeping } = this.#writer
    return { ...this.#health.health(), ...(sealing && { sealing }), ...(keeping && { keeping }) }
  }

  close(deadlineMs = CLOSE_DEADLINE_MS): Promise<void> {
    return (this.#closing ??= this.#close(deadlineMs))
  }

  #closed(): StorageError {
    return new StorageError('closed', `the store in ${this.#directory} is closed`)
  }

  async #close(deadlineMs: number): Promise<void> {
    const closed = this.#closed()
    const endMs = Math.min(1_000, deadlineMs * END_SHARE)
    const sealer = this.#stopSealer()
    // The writer removes what the sealer has not finished.
    const drained = await this.#within(deadlineMs - endMs, this.#writer.close(closed, this.#within(endMs, sealer)))
    const { batches, spans } = this.#writer.unanswered
    const late = new StorageError('timeout', `the store in ${this.#directory} was closed before this could be stored`)
    this.#writer.fail(late)
    for (const reader of [this.#lookups, this.#searches]) reader.fail(closed)
    const ends = {
      writer: this.#stopWriter(),
      lookup_reader: this.#lookups.stop(),
      search_reader: this.#searches.stop(),
      sealer,
    }
    const hangs: string[] = []
    await Promise.all(
      Object.entries(ends).map(async ([part, ended]) => {
        if (!(await this.#within(endMs, ended))) hangs.push(`the ${part.replace('_', ' ')} cannot be ended`)
      }),
    )
    if (!drained) hangs.unshift(`the writer did not finish: ${batches} batches with ${spans} spans were given up`)
    if (hangs.length > 0) {
      throw new StorageError(
        'timeout',
        `closing ${this.#directory} took longer than ${deadlineMs} ms: ${hangs.join('; ')}`,
      )
    }
    if (drained?.value) throw drained.value
  }

  /** Undefined when it took longer. */
  async #within<T>(ms: number, work: Promise<T>): Promise<{ readonly value: T } | undefined> {
    const late = Promise.withResolvers<undefined>()
    const callOff = this.#host.clock.after(Math.max(0, ms), () => late.resolve(undefined))
    try {
      return await Promise.race([work.then((value) => ({ value })), late.promise])
    } finally {
      callOff()
    }
  }

  /** The directory is given back when nobody writes in it any more, be it after `close` has given up waiting for that. */
  async #stopWriter(): Promise<void> {
    await Promise.all([this.#writer.stop(), this.#stopSealer()])
    this.#writer.release()
  }

  async #stopSealer(): Promise<void> {
    await this.#sealer?.stop()
  }

  /** Opening did not succeed: ends what was started. */
  async abandon(): Promise<void> {
    const ended = Promise.all([this.#stopWriter(), this.#lookups.stop(), this.#searches.stop()])
    await this.#within(CLOSE_DEADLINE_MS * END_SHARE, ended)
  }

  #tell(event: StoreEvent): void {
    this.#health.add(event, this.#host.clock.wallMs())
    try {
      this.#onEvent(event)
    } catch {
      // Who listens has no say in whether the store goes on.
    }
  }

  /** A part is not restarted any more. */
  #fail(error: StorageError): void {
    const failure = new StorageError('io', `the store in ${this.#directory} cannot go on: ${error.message}`, {
      cause: error,
    })
    this.#writer.fail(failure)
    for (const reader of [this.#lookups, this.#searches]) reader.fail(failure)
    this.#failed.resolve(failure)
  }
}
