import { styleText } from 'node:util'
import { CollectorError, didYouMean } from '@spoor/collector'
import { StorageError } from '@spoor/storage'
import { type CAC, cac } from 'cac'
import { addClickHouseCommand, storeOf } from './cli-clickhouse.ts'
import { addCollectorCommands, configOf, reloadOf, WATCH } from './cli-collector.ts'
import { addDoctorCommand } from './cli-doctor.ts'
import { addHealthCommand } from './cli-health.ts'
import { addLoadgenCommand } from './cli-loadgen.ts'
import { banner, type Io, LEVELS, lifetimeOf, loggerOf, sayOf, SHUTDOWN_DELAY, SHUTDOWN_TIMEOUT } from './cli-output.ts'
import { withVariables } from './cli-environment.ts'
import { addMigrateCommand } from './cli-migrate.ts'
import { addRoleCommands } from './cli-roles.ts'
import { addRunCommand } from './cli-run.ts'
import { addToolCommands } from './cli-tools.ts'
import { addTransferCommands, joinDashes } from './cli-transfer.ts'
import { keepOf } from './cli-keep.ts'
import { ageOf, bytesOf, formatBytes, type OptionValue, originsOf, portOf, shortPath, textOf } from './cli-values.ts'
import { defaultDataDirectory } from './data-directory.ts'
import { SpoorError } from './error.ts'
import { runUntilStopped } from './lifetime/lifetime.ts'
import { version } from './version.ts'

type Options = Readonly<Record<string, OptionValue>>

/** How long the figures of the banner are waited for. Milliseconds. */
const BANNER_STATS_MS = 1_000

/**
 * Runs the command line and resolves with the exit code: 0 for an orderly end, also by a signal; 1 for a failure; 2 for
 * a wrong option; 128 and the signal's number for a second signal, as 130 for Ctrl-C.
 */
export async function runCli(argv: readonly string[], io: Io = process): Promise<number> {
  let action: (() => Promise<number>) | undefined
  const cli = commandLine(io, (chosen) => (action = chosen))
  try {
    cli.parse(joinDashes(argv), { run: false })
    if (cli.options['help'] || cli.options['version']) return 0
    const [unknown] = cli.args
    if (!cli.matchedCommandName && unknown !== undefined) {
      throw new SpoorError('option', `"${unknown}" is no command: see spoor --help`)
    }
    cli.runMatchedCommand()
    return (await action?.()) ?? 0
  } catch (error) {
    return explain(error, cli, io)
  }
}

/** The commands and their options. `choose` is called with what the chosen command does. */
export function commandLine(io: Io, choose: (action: () => Promise<number>) => void): CAC {
  const cli = cac('spoor')
  const start = cli
    .command('', 'Start Spoor: receive traces over OTLP, store them, show them')
    .option('--data <dir>', `Data directory (default: $SPOOR_DATA, else ${shortPath(defaultDataDirectory({}))})`)
    .option(
      '--store <address>',
      'Store in a ClickHouse instead, as clickhouse://user@host:8123/database; see docs/clickhouse.md',
    )
    .option('--no-create', 'With --store: do not make the tables')
    .option('--host <address>', 'Address that all ports listen on (default: 127.0.0.1, this machine only)')
    .option('--page-port <port>', 'Page and query APIs (default: 16686)')
    .option(
      '--query-grpc-port <port>',
      'Jaeger’s query API over gRPC (default: 16685 where the page is on 16686, else none)',
    )
    .option('--otlp-grpc-port <port>', 'OTLP over gRPC (default: 4317)')
    .option('--otlp-http-port <port>', 'OTLP over HTTP (default: 4318)')
    .option(
      '--cors <origin>',
      'Origin whose pages may send from browsers, as https://shop.example; may be repeated (default: those of this machine)',
    )
    .option(
      '--config <uri>',
      'Collector configuration in place of the built-in one; its exporter spoor_storage stores here, or in its store. See spoor collector --help',
    )
    .option('--set <key=value>', 'One setting over the configuration, as processors.batch.timeout=2s; may be repeated')
    .option('--watch', WATCH)
    .option('--max-disk <size>', 'Most that the data may take on disk, as 20GB; the oldest goes first')
    .option('--reserve <size>', 'Free disk space that is left to others, as 1GB (default: 5 %, at most 256 MiB)')
    .option('--max-age <time>', 'Spans older than this are deleted, as 14d, 2w or 36h (default: kept)')
    .option(
      '--keep <what>',
      'Traces that are kept longer than these limits say: errors, slow, pinned; with commas in between',
    )
    .option('--keep-slower-than <percentile>', 'What is slow, of the requests of an operation (default: p99)')
    .option('--keep-age <time>', 'For how long they are kept, as 90d (default: as long as there is room)')
    .option('--keep-share <share>', 'Most that they may take of --max-disk (default: 20%)')
    .option('--read-only', 'Show what is stored, receive nothing and change nothing; as of a backup')
    .option('--shutdown-delay <time>', SHUTDOWN_DELAY)
    .option('--shutdown-timeout <time>', SHUTDOWN_TIMEOUT)
    .option('--log-level <level>', `${LEVELS} (default: warn at a terminal, else info)`)
  start.action((options: Options) =>
    choose(() => withVariables(start, options, (all, warnings) => serve(all, warnings, io))),
  )
  addRoleCommands(cli, io, choose)
  addCollectorCommands(cli, io, choose)
  addToolCommands(cli, io, choose)
  addTransferCommands(cli, io, choose)
  addMigrateCommand(cli, io, choose)
  addLoadgenCommand(cli, io, choose)
  addDoctorCommand(cli, io, choose)
  addHealthCommand(cli, io, choose)
  addClickHouseCommand(cli, io, choose)
  addRunCommand(cli, io, choose)
  cli.help(tellVariables)
  cli.version(version)
  return cli
}

/** Of a program that runs, that each of its options may be in the environment, too. */
function tellVariables(sections: { title?: string; body: string }[]): void {
  if (!sections.some(({ body }) => body.includes('--shutdown-delay'))) return
  sections.push({
    title: 'Environment',
    body: [
      '  Each option is a variable, too: --page-port is SPOOR_PAGE_PORT, --no-create is SPOOR_NO_CREATE=true; what may be',
      '  repeated has one on each line. The command line goes over the environment, and that over the defaults. What a',
      '  --config says of receivers, processors and exporters is its own, and may read variables as ${env:NAME}.',
      '  SPOOR_CLICKHOUSE_PASSWORD is the password of a store whose address has none.',
    ].join('\n'),
  })
}

/** Errors that a person can do something about are told in a line; a defect of ours with its stack. */
function explain(error: unknown, cli: CAC, io: Io): number {
  const { name, message, stack } = error as Error
  const isUsage = name === 'CACError' || (error instanceof SpoorError && error.code === 'option')
  const isKnown =
    isUsage || error instanceof SpoorError || error instanceof CollectorError || error instanceof StorageError
  const text = name === 'CACError' ? usageMessage(message, cli) : isKnown ? message : stack
  sayOf(io)(text ?? String(error))
  return isUsage ? 2 : 1
}

/** cac names options in camelCase, as nobody has written them; and it knows no better name. */
function usageMessage(message: string, cli: CAC): string {
  const unknown = /^Unknown option `(.+)`$/.exec(message)?.[1]
  if (unknown === undefined) return message
  const option = unknown.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  const known = [...cli.globalCommand.options, ...(cli.matchedCommand?.options ?? [])]
  const names = known.map(({ rawName }) => /--[a-z-]+/.exec(rawName)![0])
  return `unknown option ${option}${didYouMean(option, names) || ': see spoor --help'}`
}

async function serve(options: Options, warnings: readonly string[], io: Io): Promise<number> {
  const config = await configOf(options)
  const settings = {
    store: await storeOf(options, config),
    createTables: options['create'] === false ? false : undefined,
    data: textOf('data', options['data']),
    host: textOf('host', options['host']),
    pagePort: portOf('page-port', options['pagePort']),
    queryGrpcPort: portOf('query-grpc-port', options['queryGrpcPort']),
    otlpGrpcPort: portOf('otlp-grpc-port', options['otlpGrpcPort']),
    otlpHttpPort: portOf('otlp-http-port', options['otlpHttpPort']),
    corsOrigins: originsOf('cors', options['cors']),
    maxDiskBytes: bytesOf('max-disk', options['maxDisk']),
    maxAgeMs: ageOf('max-age', options['maxAge']),
    keep: keepOf(options),
    reserveBytes: bytesOf('reserve', options['reserve']),
    config,
  }
  const readOnly = options['readOnly'] === true
  if (readOnly && config) {
    throw new SpoorError('option', '--read-only receives nothing: leave out --config')
  }
  if (settings.corsOrigins && config) {
    const where = 'protocols.http.cors.allowed_origins of the receiver'
    throw new SpoorError('option', `--cors is for Spoor’s own configuration; with --config, say it in ${where}`)
  }
  if (options['watch'] === true && !config) {
    throw new SpoorError('option', '--watch looks at a configuration: add --config FILE')
  }
  const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined))
  const logger = loggerOf(options)
  for (const warning of warnings) logger.warn({}, warning)
  const reload = config ? reloadOf(options, io, logger) : undefined
  return runUntilStopped(
    async (signal) => {
      const { startSpoor } = await import('./spoor.ts')
      const spoor = await startSpoor({ ...given, readOnly, logger, signal })
      const stats = await spoor.store.stats({ timeoutMs: BANNER_STATS_MS }).catch(() => undefined)
      const { page, queryGrpc, otlpGrpc, otlpHttp } = spoor.urls
      banner(io, [
        ['Page', styleText('bold', page, { stream: io.stdout })],
        ['OTLP gRPC', otlpGrpc],
        ['OTLP HTTP', otlpHttp],
        ['Jaeger gRPC', queryGrpc],
        [
          'Data',
          shortPath(spoor.data) +
            (stats ? `  (${stats.spans.toLocaleString('en')} spans, ${formatBytes(stats.diskBytes)})` : '') +
            (readOnly ? '  read only' : ''),
        ],
      ])
      reload?.begin(spoor)
      const stop = (deadlineMs: number) => {
        reload?.end()
        return spoor.stop(deadlineMs)
      }
      return { failed: spoor.failed, drain: () => spoor.drain(), stop }
    },
    { ...lifetimeOf(io, logger, options), ...(reload && { onHangup: () => reload.request() }) },
  )
}
