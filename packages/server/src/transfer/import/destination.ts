import {
  builtinComponents,
  CollectorError,
  createBudget,
  createCounters,
  EMPTY_CONTEXT,
  NO_OVERVIEW,
  type ExporterFactory,
  type Logger,
} from '@spoor/collector'
import type { TelemetryBatch } from '@spoor/otlp'
import { openLocalStore, StorageError } from '@spoor/storage'
import { shortPath } from '../../cli-values.ts'
import { prepareDataDirectory } from '../../data-directory.ts'
import { SpoorError } from '../../error.ts'
import { isLoopback } from '../../http/host-check.ts'
import { USUAL_OTLP_HTTP } from '../../ports.ts'

/** How long an answer from there is waited for. Milliseconds. */
const PROBE_MS = 2_000

/** Where imported spans go. */
export interface Destination {
  /** As a person would name it. */
  readonly name: string
  /** Resolves when the spans are durable, or taken by who receives them. */
  append(batch: TelemetryBatch): Promise<void>
  /** Spans that the receiver has answered not to take. */
  readonly rejected: number
  close(): Promise<void>
}

export interface DestinationOptions {
  /** The data directory of a Spoor that is not running. */
  readonly data: string | undefined
  /** `http://host:port` of a running one, or of any receiver of OTLP/HTTP. */
  readonly endpoint: string | undefined
  /** Without both: where a running one is looked for (default: {@link USUAL_OTLP_HTTP}), and the data directory when none answers. */
  readonly defaultEndpoint?: string
  readonly defaultData: string
  readonly logger: Logger
}

/**
 * The destination that is asked for. Else the Spoor that runs on this machine, if one answers where it does by default; else the default data
 * directory.
 *
 * @throws SpoorError `option`, `data`; StorageError `locked` with the way out, `newer_format`, `io`
 */
export async function openDestination(options: DestinationOptions): Promise<Destination> {
  const { data, endpoint, defaultEndpoint = USUAL_OTLP_HTTP, defaultData, logger } = options
  if (endpoint !== undefined) return openEndpoint(endpoint, logger)
  if (data !== undefined) return openDirectory(data)
  if (await answers(defaultEndpoint)) return openEndpoint(defaultEndpoint, logger)
  return openDirectory(defaultData)
}

/** An empty request changes nothing, and is answered by whoever takes OTLP. */
async function answers(endpoint: string): Promise<boolean> {
  try {
    const headers = { 'content-type': 'application/x-protobuf' }
    const signal = AbortSignal.timeout(PROBE_MS)
    const response = await fetch(`${endpoint}/v1/traces`, { method: 'POST', headers, body: new Uint8Array(), signal })
    await response.body?.cancel()
    return response.ok
  } catch {
    return false
  }
}

/** Without limits of size and age: they are for who runs the store, and delete the oldest, which what is imported may be. */
async function openDirectory(directory: string): Promise<Destination> {
  await prepareDataDirectory(directory)
  const store = await openLocalStore({ directory, maxBytes: Infinity }).catch((error: unknown) => {
    if (!(error instanceof StorageError) || error.code !== 'locked') throw error
    const message = `${error.message}; to import into a Spoor that is running, name where it takes OTLP over HTTP: --endpoint ${USUAL_OTLP_HTTP}`
    throw new StorageError('locked', message, { cause: error })
  })
  return {
    name: shortPath(directory),
    append: (batch) => store.append(batch),
    rejected: 0,
    close: () => store.close(),
  }
}

/** By the collector's own exporter, with its retries. */
async function openEndpoint(endpoint: string, logger: Logger): Promise<Destination> {
  const factory = (await builtinComponents.find(({ type }) => type === 'otlp_http')!.load()) as ExporterFactory<unknown>
  const config = factory.config.safeParse({
    endpoint,
    compression: isOnThisMachine(endpoint) ? 'none' : 'gzip',
    sending_queue: { enabled: false },
    retry_on_failure: { initial_interval: '500ms', max_interval: '5s', max_elapsed_time: '1m' },
  })
  if (!config.success) throw new SpoorError('option', `--endpoint: ${config.error.issues[0]!.message}`)
  const counters = createCounters()
  const id = 'otlp_http/import'
  const context = { id, logger, counters, budget: createBudget(), report: () => {} }
  const exporter = factory.create(context, config.data)
  await exporter.start({ extension: () => undefined, fail: () => {}, overview: () => NO_OVERVIEW })
  let accepted = 0
  // By its address, too, of which there is one.
  const sent = (): number => counters.snapshot().find(({ name }) => name === 'otelcol_exporter_sent_spans')?.value ?? 0
  return {
    name: endpoint,
    async append(batch) {
      try {
        await exporter.consume(batch, EMPTY_CONTEXT)
      } catch (error) {
        if (!(error instanceof CollectorError)) throw error
        throw new SpoorError('file', `${endpoint} does not take the spans: ${error.message}`, { cause: error })
      }
      accepted += batch.items
    },
    get rejected() {
      return accepted - sent()
    },
    async close() {
      await exporter.shutdown(AbortSignal.timeout(PROBE_MS))
    },
  }
}

function isOnThisMachine(endpoint: string): boolean {
  try {
    return isLoopback(new URL(endpoint).hostname)
  } catch {
    return false
  }
}
