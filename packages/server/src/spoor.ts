import { join, resolve } from 'node:path'
import {
  builtinComponents,
  type Collector,
  type ConfigText,
  type Counters,
  createBudget,
  createCounters,
  type Factory,
  formatHostPort,
  garbageCollector,
  type Logger,
  openCollector,
} from '@spoor/collector'
import { type KeepOptions, StorageError, type TraceStore } from '@spoor/storage'
import type { FastifyInstance } from 'fastify'
import { allInOne } from './all-in-one.ts'
import { createStoreQueries } from './api/store-queries.ts'
import { storeInConfig } from './config-store.ts'
import { defaultDataDirectory, prepareDataDirectory } from './data-directory.ts'
import { createIdleCollector } from './idle-collector.ts'
import { SpoorError } from './error.ts'
import { type Phase, readiness, type Vitals } from './health.ts'
import { isLoopback } from './http/host-check.ts'
import { createQueryServer } from './http/server.ts'
import { createStatusServer } from './http/status-server.ts'
import { stopParts, within } from './lifetime/stop.ts'
import { createProbes } from './doctor/hidden-probes.ts'
import { createFindingsDesk } from './findings/desk.ts'
import { explainListenError } from './listen-error.ts'
import { NamedStore } from './named-store.ts'
import { createLogger } from './logging.ts'
import { awaitRemoteStore, checkStores, openDirectory, openRemoteStore } from './open-store.ts'
import { USUAL_PORTS } from './ports.ts'
import { hasMetric, type Program } from './program.ts'
import { createStatus, sumOf } from './status.ts'
import { createIntake, storageExporterFactory } from './storage-exporter.ts'
import { createStoreEvents } from './store-events.ts'

/** Where `spoor` listens and keeps its data. Port 0 takes a free one. */
export interface SpoorOptions {
  /** What of Spoor runs. `query` is {@link readOnly}, `ingest` has no page. Both wait for a store that is not there yet. Default `all`. */
  readonly program?: Program
  /** The data directory, made when it is not there. Default `$SPOOR_DATA`, else `~/.local/share/spoor`. */
  readonly data?: string
  /** A store that is not a data directory: `clickhouse://user@host:8123/database`. Then there is none, and what follows of its limits has no meaning. Default: the one that {@link config} names for `spoor_storage`, if it does. */
  readonly store?: string
  /** Whether the tables of such a store are made where they are not there. Default true. */
  readonly createTables?: boolean
  /** The address that all ports listen on. Default `127.0.0.1`: reached from this machine only. */
  readonly host?: string
  /** The page and the query APIs. Default 16686. */
  readonly pagePort?: number
  /** Of `ingest`, where the page of the others is: how it is, and its metrics. Default 55681. */
  readonly statusPort?: number
  /** Jaeger's query services over gRPC. Default 16685 where the page is on 16686, else none. */
  readonly queryGrpcPort?: number
  /** OTLP over gRPC; not used with {@link config}. Default 4317. */
  readonly otlpGrpcPort?: number
  /** OTLP over HTTP; not used with {@link config}. Default 4318. */
  readonly otlpHttpPort?: number
  /** Origins whose pages may send over HTTP, `*` in one for any run of characters, beside those of this machine; not used with {@link config}. Default: none. */
  readonly corsOrigins?: readonly string[]
  /**
   * The collector's configuration in place of the built-in one: YAML texts, the later over the earlier, with the names that errors give
   * them. Its exporter `spoor_storage` is this Spoor's store.
   */
  readonly config?: readonly ConfigText[]
  /** Bytes that the store may take on disk; the oldest data goes first. Default: the store's. */
  readonly maxDiskBytes?: number
  /** Milliseconds after which stored spans are deleted. Default: never. */
  readonly maxAgeMs?: number
  /** What is kept longer than these limits say; see there. Default: nothing. */
  readonly keep?: KeepOptions
  /** Free bytes of the disk that the store leaves to others. Default: the store's. */
  readonly reserveBytes?: number
  /** Shows what is stored: nothing is received, no file is changed, and the directory may be another's. Default false. */
  readonly readOnly?: boolean
  /** Hears why the store cannot be opened yet, where it is waited for. */
  readonly onWaiting?: (reason: string) => void
  /** Where the collector keeps what must outlive the process. Default: `collector` in the data directory. */
  readonly collectorFolder?: string
  /** Breaks off the start: what was started is stopped again, and `startSpoor` rejects with SpoorError `stopped`. */
  readonly signal?: AbortSignal
  /** Default: pino on stderr, level info. */
  readonly logger?: Logger
}

export interface Spoor {
  readonly urls: {
    /** Of `ingest`, where its status is. */
    readonly page: string
    /** `host:port`, as that of `otlpGrpc`. */
    readonly queryGrpc?: string
    readonly otlpHttp?: string
    readonly otlpGrpc?: string
  }
  /** The data directory, absolute; or the address of the store, without its password. */
  readonly data: string
  readonly store: TraceStore
  readonly counters: Counters
  /** The files that the configuration was read from. */
  readonly files: readonly string[]
  /** Changes to another configuration of the collector, see there; store and page go on. Rejects where there is none, as it is read only. */
  reload(config: readonly ConfigText[]): Promise<void>
  /** Resolves with the reason when a part fails after the start and Spoor should be stopped. */
  readonly failed: Promise<Error>
  /** From now on `/ready` says no, and all else goes on: for a while before it is stopped. */
  drain(): void
  /**
   * Stops in order: receivers, pipelines, page, store. Safe to call twice. `deadlineMs` default 10,000. Rejects with SpoorError `hung` soon
   * after it, which names what did not stop in time.
   */
  stop(deadlineMs?: number): Promise<void>
}

/**
 * Starts the whole program in this process: the page with its APIs, so that `/health` and `/ready` tell of the rest, then the store,
 * then the collector that feeds the store. What was started is stopped again when a later part cannot start.
 *
 * @throws SpoorError `listen`, `data`, `stopped` and `hung`, CollectorError `config`, StorageError; the message names the
 * thing, the place and the way out
 */
export async function startSpoor(options: SpoorOptions = {}): Promise<Spoor> {
  const { program = 'all', host = '127.0.0.1', otlpGrpcPort = 4317, otlpHttpPort = 4318 } = options
  const readOnly = program === 'query' || options.readOnly === true
  const hasPage = program !== 'ingest'
  const pagePort = hasPage ? (options.pagePort ?? USUAL_PORTS.page) : (options.statusPort ?? USUAL_PORTS.ingest)
  const queryGrpcPort = hasPage
    ? (options.queryGrpcPort ?? (pagePort === USUAL_PORTS.page ? 16685 : undefined))
    : undefined
  const logger = options.logger ?? createLogger('info')
  const remote = options.store ?? (options.config && storeInConfig(options.config))
  const isLocal = remote === undefined
  const data = isLocal ? resolve(options.data ?? defaultDataDirectory()) : withoutPassword(remote)
  const counters = createCounters()
  const intake = createIntake()
  const named = new NamedStore()
  const probes = createProbes()
  const budget = createBudget(undefined, {
    counters,
    collect: garbageCollector(),
    maxResidentBytes: MAX_RESIDENT_BYTES,
    onOverload: (reason) => intake.refused(reason),
  })
  const running: { store?: TraceStore; app?: FastifyInstance; collector?: Collector; queryGrpc?: string } = {}
  const state: { phase: Phase; failure: Error | undefined; draining: boolean; opening: string } = {
    phase: 'starting',
    failure: undefined,
    draining: false,
    opening: `the ${isLocal ? 'data directory' : 'store'} is being opened`,
  }
  const vitals = (): Vitals => ({ ...state, store: running.store, intake, readOnly, writeOnly: !hasPage })
  const failed = Promise.withResolvers<Error>()
  function fail(error: Error): void {
    state.failure ??= error
    failed.resolve(error)
  }

  function storeNow(): TraceStore {
    if (!running.store) throw new StorageError('closed', 'the store is not open')
    return running.store
  }
  // The configuration is read before anything is opened: a mistake in it should cost nothing.
  const collector =
    program === 'query'
      ? await createIdleCollector(logger, counters)
      : await openCollector({
          config: options.config ?? [{ text: allInOne(options.corsOrigins), file: 'all-in-one.yaml (built in)' }],
          env: {
            ...process.env,
            SPOOR_OTLP_GRPC_ENDPOINT: formatHostPort(host, otlpGrpcPort),
            SPOOR_OTLP_HTTP_ENDPOINT: formatHostPort(host, otlpHttpPort),
          },
          factories: [
            ...builtinComponents,
            storageExporterFactory(storeNow, intake, { onBatch: probes.note, named }) as Factory,
          ],
          logger,
          counters,
          budget,
          statusAddress: () => (isLoopback(host) ? urls().page : undefined),
          surroundings() {
            const { page, otlpHttp, otlpGrpc } = urls()
            return {
              isOwnConfig: options.config === undefined,
              ...(hasPage && { page }),
              otlpHttp: otlpHttp?.slice('http://'.length),
              otlpGrpc,
            }
          },
          folder: options.collectorFolder ?? join(isLocal ? data : defaultDataDirectory(), 'collector'),
        })

  function urls(): Spoor['urls'] {
    const address = (protocol: 'grpc' | 'http') =>
      collector.listening().find((one) => one.protocol === protocol)?.address
    const http = address('http')
    const grpc = address('grpc')
    return {
      page: `http://${formatHostPort(host, portOf(running.app, pagePort))}`,
      ...(running.queryGrpc !== undefined && { queryGrpc: running.queryGrpc }),
      ...(http && { otlpHttp: `http://${http}` }),
      ...(grpc && { otlpGrpc: grpc }),
    }
  }

  const findings = hasPage
    ? createFindingsDesk({
        store: createStoreQueries(storeNow, probes),
        // What others store is known by the count of all, as somebody looks at the status.
        spansSoFar() {
          if (state.phase !== 'running') return undefined
          if (program === 'query') return status.knownSpans()
          return readOnly ? undefined : sumOf(counters, 'otelcol_receiver_accepted_spans')
        },
        counters,
      })
    : undefined
  const status = createStatus({
    program,
    vitals,
    store: () => running.store,
    counters,
    endpoints() {
      const { otlpHttp, otlpGrpc } = urls()
      return { ...(otlpHttp && { otlpHttp }), ...(otlpGrpc && { otlpGrpc }) }
    },
    attention() {
      const { attention } = collector.senders()
      // What is known of who sends it is not told again of what was sent; and what could be better, or was long ago, is for who asks.
      const found = (findings?.latest() ?? []).filter(
        ({ severity, lastSeenMs }) => severity !== 'info' && Date.now() - lastSeenMs < HOUR_MS,
      )
      return [...attention, ...found.filter(({ code }) => !attention.some((one) => one.code === code))]
    },
  })
  registerGauges(counters, vitals)

  let stopping: Promise<void> | undefined
  function stop(deadlineMs = DEFAULT_DEADLINE_MS): Promise<void> {
    state.phase = 'stopping'
    stopping ??= stopParts(
      [
        { name: 'the collector', share: 0.5, stop: (ms) => running.collector?.shutdown({ deadlineMs: ms }) },
        {
          name: hasPage ? 'the page' : 'the status',
          share: 0.3,
          stop: (ms) => running.app && closePage(running.app, ms),
        },
        { name: 'the findings', share: 0.3, stop: () => findings?.close() },
        { name: `the store in ${data}`, share: 1, stop: (ms) => running.store?.close(ms) },
      ],
      deadlineMs,
      logger,
    )
    return stopping
  }

  const { signal = new AbortController().signal } = options
  let opened: TraceStore
  try {
    const base = {
      host,
      vitals,
      counters,
      logger,
      status: status.read,
      collector,
      hasMetric: (name: string) => hasMetric(program, isLocal, name),
    }
    running.app = findings
      ? await createQueryServer({
          ...base,
          store: () => running.store,
          budget,
          probes,
          findings,
          grpc:
            queryGrpcPort === undefined
              ? undefined
              : { port: queryGrpcPort, listening: (at) => (running.queryGrpc = at) },
        })
      : await createStatusServer(base)
    await running.app.listen({ host, port: pagePort })
    if (isLocal && !readOnly) {
      await unlessAborted(signal, `making ready the data directory ${data}`, prepareDataDirectory(data))
    }
    const events = createStoreEvents(logger, counters, isLocal)
    const settings = { ...options, readOnly, signal }
    const onWaiting = (reason: string): void => {
      state.opening = `the store cannot be opened yet: ${reason}`
      options.onWaiting?.(reason)
    }
    const opening = isLocal
      ? openDirectory(data, settings, events)
      : program === 'all'
        ? openRemoteStore(remote, settings, events)
        : awaitRemoteStore(remote, settings, events, onWaiting, logger)
    const openedStore = opening.then((store) => {
      // It may be open only after the stop that did not wait for it.
      if (state.phase === 'stopping') void store.close().catch(() => {})
      else running.store = store
      void store.failed.then(fail)
      return store
    })
    opened = await unlessAborted(signal, `opening the ${isLocal ? 'data directory' : 'store'} ${data}`, openedStore)
    if (program === 'ingest') checkStores(opened, data)
    if (!readOnly) {
      running.collector = collector
      void collector.failed.then(fail)
      await unlessAborted(signal, 'the start of the collector', collector.start())
    }
    state.phase = 'running'
    if (!readOnly) warnWithoutStore(collector, logger)
    if (!isLoopback(host)) {
      logger.warn(
        { host },
        `listening beyond this machine: whoever reaches it can ${hasPage ? (readOnly ? 'read' : 'read and send') : 'send'} traces, there is no login`,
      )
    }
  } catch (error) {
    await stop().catch((cause: unknown) => logger.error({ err: cause }, 'what had been started did not stop in order'))
    throw explainListenError(error, [
      hasPage
        ? { port: pagePort, flag: '--page-port', what: 'the page' }
        : { port: pagePort, flag: '--status-port', what: 'the status' },
      ...(queryGrpcPort === undefined
        ? []
        : [{ port: queryGrpcPort, flag: '--query-grpc-port', what: 'queries over gRPC' }]),
      ...(options.config
        ? []
        : [
            { port: otlpGrpcPort, flag: '--otlp-grpc-port', what: 'OTLP over gRPC' },
            { port: otlpHttpPort, flag: '--otlp-http-port', what: 'OTLP over HTTP' },
          ]),
    ])
  }
  let current = urls()
  return {
    get urls() {
      return current
    },
    get files() {
      return collector.files
    },
    async reload(config) {
      if (readOnly) throw new SpoorError('option', 'read only: nothing is received, and there is nothing to configure')
      await collector.reload(config)
      current = urls()
      warnWithoutStore(collector, logger)
    },
    data,
    store: opened,
    counters,
    failed: failed.promise,
    drain() {
      state.draining = true
    },
    stop,
  }
}

function warnWithoutStore({ exporters }: Collector, logger: Logger): void {
  if (exporters.has('spoor_storage')) return
  logger.warn(
    {},
    'no pipeline of the configuration leads to the exporter spoor_storage: nothing that comes in is stored here, and no page shows anything of it',
  )
}

/** What the program wants to take of memory in all: what is in flight gives way when the rest of it grows. 408 MiB; peaks stay below 500 MB. */
const MAX_RESIDENT_BYTES = 408 * 1024 * 1024
const DEFAULT_DEADLINE_MS = 10_000
const HOUR_MS = 3_600_000
/** What a step of the start may take to end when the start is broken off. Milliseconds. */
const GIVE_WAY_MS = 1_000

/** The promise, or SpoorError `stopped` when the signal aborts, or `hung` when it then does not end either. */
async function unlessAborted<T>(signal: AbortSignal, what: string, promise: Promise<T>): Promise<T> {
  const aborted = Promise.withResolvers<void>()
  const onAbort = (): void => aborted.resolve()
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
  try {
    await Promise.race([promise, aborted.promise])
    if (!signal.aborted) return await promise
    const ended = promise.then(
      () => true,
      () => true,
    )
    if ((await within(ended, GIVE_WAY_MS)) === true) throw new SpoorError('stopped', `told to stop during ${what}`)
    throw new SpoorError('hung', `told to stop during ${what}, which did not give way; ended`)
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

function withoutPassword(address: string): string {
  return address.replace(/(:\/\/[^:@/]*):[^@/]*@/, '$1@')
}

const SEALING_GAUGES = [
  ['spoor_store_sealed_segments', 'segments'],
  ['spoor_store_sealed_saved_bytes', 'savedBytes'],
  ['spoor_store_sealing_waiting_segments', 'waitingSegments'],
  ['spoor_store_sealing_waiting_bytes', 'waitingBytes'],
] as const

const KEEPING_GAUGES = [
  ['spoor_store_keeping_segments', 'segments'],
  ['spoor_store_keeping_spans', 'spans'],
  ['spoor_store_keeping_bytes', 'bytes'],
  ['spoor_store_keeping_max_bytes', 'maxBytes'],
  ['spoor_store_keeping_ready_segments', 'readySegments'],
] as const

function registerGauges(counters: Counters, vitals: () => Vitals): void {
  counters.gauge('spoor_ready', {}, () => Number(readiness(vitals()).ok))
  counters.gauge('spoor_store_writable', {}, () => Number(vitals().store?.health().writable ?? false))
  counters.gauge('spoor_store_readable', {}, () => Number(vitals().store?.health().readable ?? false))
  for (const [name, key] of SEALING_GAUGES) counters.gauge(name, {}, () => vitals().store?.health().sealing?.[key] ?? 0)
  for (const [name, key] of KEEPING_GAUGES) counters.gauge(name, {}, () => vitals().store?.health().keeping?.[key] ?? 0)
  counters.gauge('process_resident_memory_bytes', {}, () => process.memoryUsage.rss())
  counters.gauge('process_cpu_seconds', {}, () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  })
}

/** Lets answers that are on their way be finished, until the deadline; then their connections are cut. */
async function closePage(app: FastifyInstance, deadlineMs: number): Promise<void> {
  const timer = setTimeout(() => app.server.closeAllConnections(), deadlineMs)
  await app.close()
  clearTimeout(timer)
}

function portOf(app: FastifyInstance | undefined, fallback: number): number {
  const address = app?.server.address()
  return typeof address === 'object' && address ? address.port : fallback
}
