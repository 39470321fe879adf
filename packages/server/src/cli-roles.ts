import { createHash } from 'node:crypto'
import { join, resolve } from 'node:path'
import type { ConfigText, Logger } from '@spoor/collector'
import type { CAC } from 'cac'
import { storeOf } from './cli-clickhouse.ts'
import { configOf, reloadOf, WATCH } from './cli-collector.ts'
import { withVariables } from './cli-environment.ts'
import { keepOf } from './cli-keep.ts'
import { banner, type Io, LEVELS, lifetimeOf, loggerOf, sayOf, SHUTDOWN_DELAY, SHUTDOWN_TIMEOUT } from './cli-output.ts'
import { ageOf, bytesOf, type OptionValue, originsOf, portOf, shortPath, textOf } from './cli-values.ts'
import { defaultDataDirectory } from './data-directory.ts'
import { SpoorError } from './error.ts'
import { runUntilStopped } from './lifetime/lifetime.ts'
import type { Program } from './program.ts'
import type { Spoor, SpoorOptions } from './spoor.ts'

type Options = Readonly<Record<string, OptionValue>>
/** What is undefined has its default. */
type Settings = { readonly [K in keyof SpoorOptions]: SpoorOptions[K] | undefined }

const STORE = 'The store, a ClickHouse: clickhouse://user@host:8123/database; see docs/clickhouse.md'
const HOST = 'Address that all ports listen on (default: 127.0.0.1, this machine only)'
const LOG_LEVEL = `${LEVELS} (default: warn at a terminal, else info)`

/** The programs that share a store: `spoor query` shows it, `spoor ingest` fills it. */
export function addRoleCommands(cli: CAC, io: Io, choose: (action: () => Promise<number>) => void): void {
  const query = cli
    .command('query', 'Page and query APIs on a store that others fill, and nothing else; any number of them')
    .option('--store <address>', STORE)
    .option('--data <dir>', 'Or a data directory, as it is at the start: a copy, a backup, one that nobody writes to')
    .option('--host <address>', HOST)
    .option('--page-port <port>', 'Page and query APIs (default: 16686)')
    .option(
      '--query-grpc-port <port>',
      'Jaeger’s query API over gRPC (default: 16685 where the page is on 16686, else none)',
    )
    .option('--shutdown-delay <time>', SHUTDOWN_DELAY)
    .option('--shutdown-timeout <time>', SHUTDOWN_TIMEOUT)
    .option('--log-level <level>', LOG_LEVEL)
    .example('  spoor query --store clickhouse://spoor@ch:8123/traces')
    .example('  SPOOR_STORE=clickhouse://ch/traces SPOOR_HOST=0.0.0.0 spoor query')
  query.action((options: Options) =>
    choose(() => withVariables(query, options, (all, warnings) => queryRole(all, warnings, io))),
  )

  const ingest = cli
    .command('ingest', 'Receive traces, by OTLP or whatever --config says, and store them; no page; any number of them')
    .option('--store <address>', STORE)
    .option(
      '--data <dir>',
      'Or a data directory, of this one alone; with --store: where traces that wait for tail_sampling outlive the process',
    )
    .option('--no-create', 'With --store: do not make the tables')
    .option(
      '--config <uri>',
      'Collector configuration in place of the built-in one (OTLP in), as file, env:NAME or yaml:TEXT; its exporter spoor_storage stores here',
    )
    .option('--set <key=value>', 'One setting over the configuration, as processors.batch.timeout=2s; may be repeated')
    .option('--watch', WATCH)
    .option('--host <address>', HOST)
    .option('--otlp-grpc-port <port>', 'OTLP over gRPC (default: 4317)')
    .option('--otlp-http-port <port>', 'OTLP over HTTP (default: 4318)')
    .option('--cors <origin>', 'Origin whose pages may send from browsers, as https://shop.example; may be repeated')
    .option('--status-port <port>', 'Health, readiness, metrics and status (default: 55681)')
    .option('--max-disk <size>', 'Of a data directory: most that it may take, as 20GB; the oldest goes first')
    .option('--reserve <size>', 'Of a data directory: free disk space that is left to others, as 1GB')
    .option('--max-age <time>', 'Of a data directory: spans older than this are deleted, as 14d')
    .option('--keep <what>', 'Of a data directory: traces that are kept longer: errors, slow, pinned')
    .option('--keep-slower-than <percentile>', 'What is slow, of the requests of an operation (default: p99)')
    .option('--keep-age <time>', 'For how long they are kept, as 90d (default: as long as there is room)')
    .option('--keep-share <share>', 'Most that they may take of --max-disk (default: 20%)')
    .option('--shutdown-delay <time>', SHUTDOWN_DELAY)
    .option('--shutdown-timeout <time>', SHUTDOWN_TIMEOUT)
    .option('--log-level <level>', LOG_LEVEL)
    .example('  spoor ingest --store clickhouse://spoor@ch:8123/traces')
    .example('  spoor ingest --store clickhouse://ch/traces --config kafka.yaml')
  ingest.action((options: Options) =>
    choose(() => withVariables(ingest, options, (all, warnings) => ingestRole(all, warnings, io))),
  )
}

async function queryRole(options: Options, warnings: readonly string[], io: Io): Promise<number> {
  const where = await whereOf('query', options)
  const settings: Settings = {
    program: 'query',
    ...where,
    host: textOf('host', options['host']),
    pagePort: portOf('page-port', options['pagePort']),
    queryGrpcPort: portOf('query-grpc-port', options['queryGrpcPort']),
  }
  const logger = loggerOf(options)
  for (const warning of warnings) logger.warn({}, warning)
  if (where.store === undefined)
    logger.warn(
      { data: where.data },
      'a data directory is shown as it was when it was opened: what is stored later is shown after the next start, or by the Spoor that stores it',
    )
  return runUntilStopped(
    (signal) =>
      started({ ...settings, logger, signal }, io, ({ urls, data }) => [
        ['Page', urls.page],
        ['Jaeger gRPC', urls.queryGrpc],
        ['Store', `${shortPath(data)}  read only`],
      ]),
    lifetimeOf(io, logger, options),
  )
}

async function ingestRole(options: Options, warnings: readonly string[], io: Io): Promise<number> {
  const config = await configOf(options)
  const where = await whereOf('ingest', options, config)
  const corsOrigins = originsOf('cors', options['cors'])
  if (corsOrigins && config)
    throw new SpoorError(
      'option',
      '--cors is for Spoor’s own configuration; with --config, say it in protocols.http.cors.allowed_origins of the receiver',
    )
  if (options['watch'] === true && !config)
    throw new SpoorError('option', '--watch looks at a configuration: add --config FILE')
  const settings: Settings = {
    program: 'ingest',
    ...where,
    createTables: options['create'] !== false,
    collectorFolder: folderOf(where, options),
    host: textOf('host', options['host']),
    statusPort: portOf('status-port', options['statusPort']),
    otlpGrpcPort: portOf('otlp-grpc-port', options['otlpGrpcPort']),
    otlpHttpPort: portOf('otlp-http-port', options['otlpHttpPort']),
    corsOrigins,
    config,
    maxDiskBytes: bytesOf('max-disk', options['maxDisk']),
    maxAgeMs: ageOf('max-age', options['maxAge']),
    keep: keepOf(options),
    reserveBytes: bytesOf('reserve', options['reserve']),
  }
  const logger = loggerOf(options)
  for (const warning of warnings) logger.warn({}, warning)
  const reload = config ? reloadOf(options, io, logger) : undefined
  return runUntilStopped(
    async (signal) => {
      const running = await started({ ...settings, logger, signal }, io, ({ urls, data }) => [
        ['OTLP gRPC', urls.otlpGrpc],
        ['OTLP HTTP', urls.otlpHttp],
        ['Store', shortPath(data)],
        ['Status', urls.page],
      ])
      reload?.begin(running.spoor)
      const stop = (deadlineMs: number) => {
        reload?.end()
        return running.stop(deadlineMs)
      }
      return { ...running, stop }
    },
    { ...lifetimeOf(io, logger, options), ...(reload && { onHangup: () => reload.request() }) },
  )
}

async function started(
  settings: Settings & { readonly logger: Logger },
  io: Io,
  lines: (spoor: Spoor) => readonly (readonly [string, string | undefined])[],
) {
  const say = sayOf(io)
  let told = ''
  const onWaiting = (reason: string): void => {
    // Who reads the log is told by it.
    if (reason !== told && process.stderr.isTTY) say(`waiting for the store: ${reason}`)
    told = reason
  }
  const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined))
  const { startSpoor } = await import('./spoor.ts')
  const spoor = await startSpoor({ ...given, onWaiting })
  banner(io, lines(spoor))
  return {
    spoor,
    failed: spoor.failed,
    drain: () => spoor.drain(),
    stop: (deadlineMs: number) => spoor.stop(deadlineMs),
  }
}

/** The store that a role is told to use. There is none by default: what is stored where nobody looks is lost to them. */
async function whereOf(
  role: Exclude<Program, 'all'>,
  options: Options,
  config?: readonly ConfigText[],
): Promise<{ readonly store?: string; readonly data?: string }> {
  const store = await storeOf(options, config, role === 'query' ? [] : ['data'])
  const data = textOf('data', options['data'])
  if (store !== undefined) return { store, ...(data !== undefined && { data: resolve(data) }) }
  if (data === undefined)
    throw new SpoorError(
      'option',
      `spoor ${role} needs a store: --store clickhouse://user@host:8123/database or --data DIR, or SPOOR_STORE or SPOOR_DATA in the environment`,
    )
  return { data: resolve(data) }
}

/** Of several on one machine, each has its own where they are told apart by what they run. */
function folderOf(where: { readonly store?: string; readonly data?: string }, options: Options): string | undefined {
  const data = where.data ?? process.env['SPOOR_DATA']
  if (data) return join(resolve(data), 'collector')
  const of = JSON.stringify([where.store, options['config'], options['otlpGrpcPort'], options['otlpHttpPort']])
  return join(defaultDataDirectory(), `ingest-${createHash('sha256').update(of).digest('hex').slice(0, 8)}`)
}
