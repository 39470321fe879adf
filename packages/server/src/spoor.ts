import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import {
  builtinFactories,
  type Collector,
  type Counters,
  createCollector,
  createCounters,
  type Factory,
  type Logger,
} from '@spoor/collector'
import { openLocalStore, StorageError, type TraceStore } from '@spoor/storage'
import type { FastifyInstance } from 'fastify'
import { ALL_IN_ONE } from './all-in-one.ts'
import type { StatusResponse } from './api.ts'
import { SpoorError } from './error.ts'
import { isLoopback } from './http/host-check.ts'
import { createQueryServer } from './http/server.ts'
import { explainListenError } from './listen-error.ts'
import { createLogger } from './logging.ts'
import { createIntake, storageExporterFactory } from './storage-exporter.ts'
import { version } from './version.ts'

/** Where `spoor` listens and keeps its data. Port 0 takes a free one. */
export interface SpoorOptions {
  /** The data directory, made when it is not there. Default `$SPOOR_DATA`, else `~/.local/share/spoor`. */
  readonly data?: string
  /** The address that all ports listen on. Default `127.0.0.1`: reached from this machine only. */
  readonly host?: string
  /** The page and the query APIs. Default 16686. */
  readonly pagePort?: number
  /** OTLP over gRPC; not used with {@link config}. Default 4317. */
  readonly otlpGrpcPort?: number
  /** OTLP over HTTP; not used with {@link config}. Default 4318. */
  readonly otlpHttpPort?: number
  /**
   * The collector's configuration in place of the built-in one: YAML text and the name of its file, for errors. Its
   * exporter `spoor_storage` is this Spoor's store.
   */
  readonly config?: { readonly text: string; readonly file: string }
  /** Bytes that the store may take on disk; the oldest data goes first. Default: the store's. */
  readonly maxDiskBytes?: number
  /** Default: pino on stderr, level info. */
  readonly logger?: Logger
}

export interface Spoor {
  readonly urls: { readonly page: string; readonly otlpHttp?: string; readonly otlpGrpc?: string }
  /** The data directory, absolute. */
  readonly data: string
  readonly store: TraceStore
  readonly counters: Counters
  /** Resolves with the reason when a part fails after the start and Spoor should be stopped. */
  readonly failed: Promise<Error>
  /** Stops in order: receivers, pipelines, page, store. Safe to call twice. `deadlineMs` default 10,000. */
  stop(deadlineMs?: number): Promise<void>
}

export function defaultDataDirectory(env: NodeJS.ProcessEnv = process.env): string {
  if (env['SPOOR_DATA']) return resolve(env['SPOOR_DATA'])
  return join(env['XDG_DATA_HOME'] || join(homedir(), '.local', 'share'), 'spoor')
}

/**
 * Starts the whole program in this process: the store, the page with its APIs, and the collector that feeds the store.
 * What was started is stopped again when a later part cannot start.
 *
 * @throws SpoorError `listen` and `data`, CollectorError `config`; the message names the thing, the place and the way
 * out
 */
export async function startSpoor(options: SpoorOptions = {}): Promise<Spoor> {
  const { host = '127.0.0.1', pagePort = 16686, otlpGrpcPort = 4317, otlpHttpPort = 4318 } = options
  const logger = options.logger ?? createLogger('info')
  const data = resolve(options.data ?? defaultDataDirectory())
  const counters = createCounters()
  const intake = createIntake()
  const started = Date.now()
  const running: { store?: TraceStore; app?: FastifyInstance; collector?: Collector } = {}

  function store(): TraceStore {
    if (!running.store) throw new StorageError('closed', 'the store is not open')
    return running.store
  }
  // The configuration is read before anything is opened: a mistake in it should cost nothing.
  const collector = createCollector({
    config: options.config?.text ?? ALL_IN_ONE,
    file: options.config?.file ?? 'all-in-one.yaml (built in)',
    env: {
      ...process.env,
      SPOOR_OTLP_GRPC_ENDPOINT: endpoint(host, otlpGrpcPort),
      SPOOR_OTLP_HTTP_ENDPOINT: endpoint(host, otlpHttpPort),
    },
    factories: [...builtinFactories, storageExporterFactory(store, intake) as Factory],
    logger,
    counters,
  })

  function urls(): Spoor['urls'] {
    const address = (protocol: 'grpc' | 'http') =>
      collector.listening().find((one) => one.protocol === protocol)?.address
    const http = address('http')
    const grpc = address('grpc')
    return {
      page: `http://${endpoint(host, portOf(running.app, pagePort))}`,
      ...(http && { otlpHttp: `http://${http}` }),
      ...(grpc && { otlpGrpc: grpc }),
    }
  }

  async function status(): Promise<StatusResponse> {
    const { spans, diskBytes, blocks, segments, oldest, newest } = await store().stats()
    const { otlpHttp, otlpGrpc } = urls()
    const { refusing } = intake
    return {
      version,
      uptimeSeconds: Math.round((Date.now() - started) / 1000),
      endpoints: { ...(otlpHttp && { otlpHttp }), ...(otlpGrpc && { otlpGrpc }) },
      spansAccepted: sumOf(counters, 'otelcol_receiver_accepted_spans'),
      spansRefused: sumOf(counters, 'otelcol_receiver_refused_spans'),
      ...(refusing !== undefined && { refusing }),
      store: {
        spans,
        diskBytes,
        blocks,
        segments,
        ...(oldest !== undefined && { oldest: oldest.toString() }),
        ...(newest !== undefined && { newest: newest.toString() }),
      },
    }
  }

  let stopping: Promise<void> | undefined
  function stop(deadlineMs = 10_000): Promise<void> {
    stopping ??= stopAll(running, deadlineMs)
    return stopping
  }

  try {
    running.store = await openStore(data, options.maxDiskBytes)
    running.app = await createQueryServer({ host, store: running.store, counters, logger, status })
    await running.app.listen({ host, port: pagePort })
    running.collector = collector
    await collector.start()
    if (!isLoopback(host)) {
      logger.warn(
        { host },
        'listening beyond this machine: whoever reaches it can read and send traces, there is no login',
      )
    }
  } catch (error) {
    await stop().catch((cause: unknown) => logger.error({ err: cause }, 'what had been started did not stop in order'))
    throw explainListenError(error, [
      { port: pagePort, flag: '--page-port', what: 'the page' },
      ...(options.config
        ? []
        : [
            { port: otlpGrpcPort, flag: '--otlp-grpc-port', what: 'OTLP over gRPC' },
            { port: otlpHttpPort, flag: '--otlp-http-port', what: 'OTLP over HTTP' },
          ]),
    ])
  }
  return { urls: urls(), data, store: running.store, counters, failed: collector.failed, stop }
}

async function openStore(directory: string, maxDiskBytes: number | undefined): Promise<TraceStore> {
  try {
    return await openLocalStore({ directory, ...(maxDiskBytes !== undefined && { maxBytes: maxDiskBytes }) })
  } catch (error) {
    if (!(error instanceof StorageError) || error.code !== 'io') throw error
    const message = `the data directory ${directory} cannot be used: ${error.message}; choose another with --data`
    throw new SpoorError('data', message, { cause: error })
  }
}

/**
 * Upstream first: what was taken is drained into the store before that closes. Each part is stopped even when one
 * before it failed.
 */
async function stopAll(
  { store, app, collector }: { store?: TraceStore; app?: FastifyInstance; collector?: Collector },
  deadlineMs: number,
): Promise<void> {
  const errors: unknown[] = []
  for (const part of [
    () => collector?.shutdown({ deadlineMs }),
    () => app && closePage(app, deadlineMs),
    () => store?.close(),
  ]) {
    try {
      await part()
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length > 0) throw errors[0]
}

/** Lets answers that are on their way be finished, until the deadline; then their connections are cut. */
async function closePage(app: FastifyInstance, deadlineMs: number): Promise<void> {
  const timer = setTimeout(() => app.server.closeAllConnections(), deadlineMs)
  await app.close()
  clearTimeout(timer)
}

function sumOf(counters: Counters, name: string): number {
  return counters.snapshot().reduce((sum, sample) => (sample.name === name ? sum + sample.value : sum), 0)
}

function endpoint(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function portOf(app: FastifyInstance | undefined, fallback: number): number {
  const address = app?.server.address()
  return typeof address === 'object' && address ? address.port : fallback
}
