/** A collector in this process: a config, made into a running graph. */
import {
  checkConfig,
  loadNamed,
  readConfigFile,
  readSource,
  type CollectorConfig,
  type ConfigText,
  type Source,
} from './config/index.ts'
import {
  createBudget,
  createCounters,
  CollectorError,
  ownFolder,
  version,
  type Budget,
  type Counters,
  type Factory,
  type KnownFactory,
  type Ledger,
  type Listening,
  type Logger,
  type Surroundings,
} from './component/index.ts'
import { garbageCollector } from './process.ts'
import { buildGraph, type Graph } from './graph/graph.ts'
import { createLedger } from './ledger/ledger.ts'
import type { CollectorStatus, SendersStatus } from './status-api/contract.ts'
import { createTapDesk, type TapAnswer } from './status-api/tap.ts'
import { createStatusListener, type StatusOptions } from './status-api/listener.ts'
import { createTelemetry, LOG_LEVELS, type LogLevel, type LogsConfig } from './telemetry/index.ts'

export interface CollectorOptions {
  /**
   * YAML in the OpenTelemetry Collector's config language: one text, or several with the names that errors give them, of which the later go
   * over the earlier.
   */
  readonly config: string | readonly ConfigText[]
  /** What `${env:NAME}` reads. Default: the process's environment. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** The component types that the config may use; `builtinFactories` and what the program adds. */
  readonly factories: readonly Factory[]
  /** Or what makes one as `service.telemetry.logs` asks for; that is asked once, and not at a reload. */
  readonly logger: Logger | ((logs: LogsConfig) => Logger)
  readonly counters?: Counters
  /** Whether the collector's own metrics are served and sent as `service.telemetry.metrics` says. Default: false, they are in `counters` only. */
  readonly servesMetrics?: boolean
  /** Bounds the bytes in flight. Default: one of {@link DEFAULT_BUDGET_BYTES} with gauges in `counters`. */
  readonly budget?: Budget
  /**
   * A folder for what must outlive the process and has no storage in the configuration, as traces that wait for `tail_sampling`; made when it is
   * needed. Default: that goes with the process.
   */
  readonly folder?: string | undefined
  /** Where the collector's status can be read, on a port of its own. Default: nowhere. */
  readonly status?: StatusOptions | undefined
  /** The origin under which the program that the collector is in answers the status API, known once it listens. */
  readonly statusAddress?: () => string | undefined
  /** What the program that the collector is in is, for what senders are told to do. Default: a collector alone. */
  readonly surroundings?: () => Surroundings
}

/** Of a collector that loads the code of components when its configuration names them. */
export type OpenOptions = Omit<CollectorOptions, 'factories'> & {
  /** The component types that the config may use; `builtinComponents` and what the program adds. */
  readonly factories: readonly KnownFactory[]
}

/** As in {@link CollectorOptions.config}. */
type ConfigTexts = CollectorOptions['config']

export interface Collector {
  /**
   * Resolves when all components are ready. Rejects with what the first failing one threw, having shut down the others.
   */
  start(): Promise<void>
  /**
   * Changes to another configuration while it runs: what is the same goes on untouched, receivers keep their sockets and exporters their
   * queues. The configuration is read, checked and built first, and new parts are started before old ones stop. Rejects with `config` and a line for
   * each thing that is wrong, or with the error of a component that cannot start, and runs on as before.
   */
  reload(config: ConfigTexts): Promise<void>
  /** From now on its status says that it is not ready, and all else goes on: for a while before it is shut down. */
  drain(): void
  /**
   * Drains and stops. `deadlineMs`: milliseconds after which what is left is given up and counted, 10,000 by default.
   */
  shutdown(options?: { deadlineMs?: number }): Promise<void>
  readonly counters: Counters
  /** What is not wrong with the configuration but worth a line, each with its place. */
  readonly warnings: readonly string[]
  /** The files that the configuration was read from, those of a reload that was refused among them. */
  readonly files: readonly string[]
  /** The types of the exporters that a pipeline leads to. */
  readonly exporters: ReadonlySet<string>
  /** Resolves with the error of a component that cannot go on; the collector should then be shut down. */
  readonly failed: Promise<Error>
  /** The pipelines with their components, and how they are now. */
  pipelines(): CollectorStatus
  /** Who sends what to its receivers, and what comes of it. */
  senders(): SendersStatus
  /** For a port of the program around it, where somebody may send by mistake. */
  door: Ledger['door']
  /** As it runs, without its secrets. */
  config(): unknown
  /** The edges of its graph, or the next items at one: the status API's `tap`. */
  tap(query: URLSearchParams): TapAnswer
  /** Where its status can be read; undefined where it cannot. */
  readonly statusAddress: string | undefined
  /** The open ports, once started. */
  listening(): readonly (Listening & { readonly component: string })[]
}

const DEFAULT_DEADLINE_MS = 10_000
/** A collector without a store has memory to spare under full load: 120 MiB of garbage at the most, with its default budget. */
const MAX_GARBAGE_SHARE = 3 / 4

/**
 * Parses and validates; throws `config` with a line for each thing that is wrong. Nothing listens or connects before
 * `start`.
 */
export function createCollector(options: CollectorOptions): Collector {
  const files = new Set<string>()
  const source = readTexts(options, options.config, files)
  return assemble(options, files, checked(options, source, options.factories))
}

/** The same, with the code of those components loaded that the configuration names; after a reload, of those that it names then. */
export async function openCollector(options: OpenOptions): Promise<Collector> {
  const files = new Set<string>()
  return assemble(options, files, await loadConfig(options, options.config, files))
}

/** Reads texts, as they are at the start and after a reload. `files` has then those that they were read from. */
function readTexts({ env = process.env }: OpenOptions, given: ConfigTexts, files: Set<string>): Source {
  const texts = typeof given === 'string' ? [{ text: given, file: 'config.yaml' }] : given
  files.clear()
  for (const { path } of texts) if (path !== undefined) files.add(path)
  const readFile = (file: string): string => {
    files.add(file)
    return readConfigFile(file)
  }
  return readSource(texts, { env, readFile })
}

function checked(
  { servesMetrics = false, logger }: OpenOptions,
  source: Source,
  factories: readonly KnownFactory[],
): CollectorConfig {
  return checkConfig(source, { factories, servesMetrics, makesLogger: typeof logger === 'function' })
}

async function loadConfig(options: OpenOptions, texts: ConfigTexts, files: Set<string>): Promise<CollectorConfig> {
  const source = readTexts(options, texts, files)
  return checked(options, source, await loadNamed(options.factories, source.value))
}

/** `files`: those that the configuration was read from; a reload has others. */
function assemble(options: OpenOptions, files: Set<string>, first: CollectorConfig): Collector {
  let config = first
  const given = options.logger
  const logger = fromConfig(
    typeof given === 'function' ? given(config.telemetry.logs) : given,
    () => config.telemetry.logs,
  )
  const counters = options.counters ?? createCounters()
  const collect = garbageCollector()
  const budget = options.budget ?? createBudget(undefined, { counters, collect, maxGarbageShare: MAX_GARBAGE_SHARE })
  const ledger = createLedger({
    logger,
    counters,
    surroundings: () => ({ isOwnConfig: false, ...options.surroundings?.(), statusAddress: statusAddress() }),
  })
  const taps = createTapDesk({ edges: () => graph.edges(), tap: (id, look) => graph.tap(id, look) })
  const source = {
    pipelines: (): CollectorStatus => ({ version, atMs: Date.now(), ...graph.overview() }),
    senders: () => ledger.report(),
    config: () => config.effective,
    tap: (query: URLSearchParams) => taps.answer(query),
  }
  let notReady: string | undefined = 'the collector is starting'
  const status =
    options.status &&
    createStatusListener(
      options.status,
      { ...source, notReady: () => (notReady === undefined ? [] : [notReady]) },
      logger,
    )
  const statusAddress = () => status?.address ?? options.statusAddress?.()
  const { folder } = options
  const folderOf = folder === undefined ? undefined : (owner: string) => ownFolder(folder, owner)
  const graph: Graph = buildGraph(config, { logger, counters, budget, collect, ledger, statusAddress, folderOf })
  const telemetry = options.servesMetrics === true ? createTelemetry(counters, logger) : undefined
  let fail: (error: Error) => void = () => {}
  const failed = new Promise<Error>((resolve) => (fail = resolve))
  let shutdown: Promise<void> | undefined
  return {
    counters,
    get warnings() {
      return config.warnings
    },
    get files() {
      return [...files]
    },
    get exporters() {
      return new Set([...config.exporters.values()].map(({ factory }) => factory.type))
    },
    failed,
    ...source,
    door: (receiver, transport, traits) => ledger.door(receiver, transport, traits),
    get statusAddress() {
      return statusAddress()
    },
    listening: () => [
      ...graph.listening(),
      ...(telemetry?.listening() ?? []).map((each) => ({ component: 'telemetry', ...each })),
    ],
    async start() {
      for (const warning of config.warnings) logger.warn({}, warning)
      try {
        await status?.start()
        await telemetry?.apply(config.telemetry)
        await graph.start({
          fail(id, cause) {
            logger.error({ component: id, error: cause.message }, 'A component cannot go on')
            fail(new CollectorError('internal', `${id}: ${cause.message}`, { cause }))
          },
        })
      } catch (error) {
        await (shutdown ??= stop(0))
        throw error
      }
      notReady = undefined
      logger.info({}, 'Everything is ready. Begin running and processing data.')
    },
    drain() {
      notReady = 'the collector is about to stop: send elsewhere'
    },
    async reload(texts) {
      const next = await loadConfig(options, texts, files)
      try {
        await telemetry?.apply(next.telemetry)
        await graph.reload(next)
      } catch (error) {
        await telemetry?.apply(config.telemetry)
        throw error
      }
      config = next
      for (const warning of config.warnings) logger.warn({}, warning)
      logger.info({}, 'The configuration was reloaded.')
    },
    async shutdown({ deadlineMs = DEFAULT_DEADLINE_MS } = {}) {
      shutdown ??= stop(deadlineMs)
      return shutdown
    },
  }

  async function stop(deadlineMs: number): Promise<void> {
    notReady = 'the collector is stopping'
    logger.info({}, 'Starting shutdown...')
    await graph.shutdown(deadlineMs)
    taps.close()
    await status?.stop()
    await telemetry?.stop()
    logger.info({}, 'Shutdown complete.')
  }
}

/** The logger without what is below the level, which a reload may change, and with the fields that every line has. */
function fromConfig(logger: Logger, config: () => LogsConfig): Logger {
  const at =
    (name: LogLevel): Logger[LogLevel] =>
    (fields, message) => {
      const { level, initial_fields: initial } = config()
      if (LOG_LEVELS.indexOf(name) >= LOG_LEVELS.indexOf(level)) logger[name]({ ...initial, ...fields }, message)
    }
  const print: Logger['info'] = (fields, message) =>
    logger.print ? logger.print(fields, message) : logger.info(fields, message)
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), print }
}
