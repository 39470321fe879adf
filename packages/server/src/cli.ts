import { readFile } from 'node:fs/promises'
import { styleText } from 'node:util'
import {
  builtinFactories,
  CollectorError,
  createCollector,
  createCounters,
  type Factory,
  type Logger,
} from '@spoor/collector'
import { StorageError } from '@spoor/storage'
import { cac } from 'cac'
import { bytesOf, choiceOf, formatBytes, type OptionValue, portOf, shortPath, textOf } from './cli-values.ts'
import { SpoorError } from './error.ts'
import { createLogger, LOG_LEVELS } from './logging.ts'
import { defaultDataDirectory, startSpoor } from './spoor.ts'
import { storageExporterFactory } from './storage-exporter.ts'
import { version } from './version.ts'

type Options = Readonly<Record<string, OptionValue>>

/** How long a stop may take before what is left is given up. Milliseconds. */
const STOP_DEADLINE_MS = 10_000
const LEVELS = `${LOG_LEVELS.join(', ')}`

/**
 * Runs the command line and resolves with the exit code: 0 for an orderly end, also by a signal; 1 for a failure; 2 for
 * a wrong option; 130 for a second Ctrl-C.
 */
export async function runCli(argv: readonly string[]): Promise<number> {
  let action: (() => Promise<number>) | undefined
  const cli = cac('spoor')
  cli
    .command('', 'Start Spoor: receive traces over OTLP, store them, show them')
    .option('--data <dir>', `Data directory (default: $SPOOR_DATA, else ${shortPath(defaultDataDirectory({}))})`)
    .option('--host <address>', 'Address that all ports listen on (default: 127.0.0.1, this machine only)')
    .option('--page-port <port>', 'Page and query APIs (default: 16686)')
    .option('--otlp-grpc-port <port>', 'OTLP over gRPC (default: 4317)')
    .option('--otlp-http-port <port>', 'OTLP over HTTP (default: 4318)')
    .option(
      '--config <file>',
      'Collector configuration in place of the built-in one; its exporter spoor_storage stores here',
    )
    .option('--max-disk <size>', 'Most that the data may take on disk, as 20GB; the oldest goes first')
    .option('--log-level <level>', `${LEVELS} (default: info)`)
    .action((options: Options) => (action = () => serve(options)))
  cli
    .command('collector', 'Run a collector alone, without store and page')
    .option('--config <file>', 'Collector configuration, in the YAML of the OpenTelemetry Collector')
    .option('--log-level <level>', `${LEVELS} (default: info)`)
    .action((options: Options) => (action = () => collect(options)))
  cli
    .command('validate', 'Check a collector configuration, and say what is wrong in it')
    .option('--config <file>', 'The configuration to check')
    .action((options: Options) => (action = () => validate(options)))
  cli.help()
  cli.version(version)

  try {
    cli.parse([...argv], { run: false })
    if (cli.options['help'] || cli.options['version']) return 0
    const [unknown] = cli.args
    if (!cli.matchedCommandName && unknown !== undefined) {
      throw new SpoorError('option', `"${unknown}" is no command: see spoor --help`)
    }
    cli.runMatchedCommand()
    return (await action?.()) ?? 0
  } catch (error) {
    return explain(error)
  }
}

/** Errors that a person can do something about are told in a line; a defect of ours with its stack. */
function explain(error: unknown): number {
  const { name, message, stack } = error as Error
  const isUsage = name === 'CACError' || (error instanceof SpoorError && error.code === 'option')
  const isKnown =
    isUsage || error instanceof SpoorError || error instanceof CollectorError || error instanceof StorageError
  process.stderr.write(`${styleText('red', 'spoor:', { stream: process.stderr })} ${isKnown ? message : stack}\n`)
  return isUsage ? 2 : 1
}

function loggerOf(options: Options): Logger {
  return createLogger(choiceOf('log-level', options['logLevel'], LOG_LEVELS) ?? 'info')
}

async function readConfig(options: Options): Promise<{ text: string; file: string } | undefined> {
  const file = textOf('config', options['config'])
  if (file === undefined) return undefined
  try {
    return { text: await readFile(file, 'utf8'), file }
  } catch (error) {
    throw new SpoorError('option', `--config: ${(error as Error).message}`, { cause: error })
  }
}

async function requiredConfig(options: Options, command: string) {
  const config = await readConfig(options)
  if (!config) throw new SpoorError('option', `spoor ${command} needs a configuration: add --config FILE`)
  return config
}

async function serve(options: Options): Promise<number> {
  const config = await readConfig(options)
  const settings = {
    data: textOf('data', options['data']),
    host: textOf('host', options['host']),
    pagePort: portOf('page-port', options['pagePort']),
    otlpGrpcPort: portOf('otlp-grpc-port', options['otlpGrpcPort']),
    otlpHttpPort: portOf('otlp-http-port', options['otlpHttpPort']),
    maxDiskBytes: bytesOf('max-disk', options['maxDisk']),
    config,
  }
  const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined))
  const logger = loggerOf(options)
  const spoor = await startSpoor({ ...given, logger })
  const { spans, diskBytes } = await spoor.store.stats()
  const { page, otlpGrpc, otlpHttp } = spoor.urls
  banner([
    ['Page', styleText('bold', page, { stream: process.stdout })],
    ['OTLP gRPC', otlpGrpc],
    ['OTLP HTTP', otlpHttp],
    ['Data', `${shortPath(spoor.data)}  (${spans.toLocaleString('en')} spans, ${formatBytes(diskBytes)})`],
  ])
  return untilStopped(logger, spoor.failed, (deadlineMs) => spoor.stop(deadlineMs))
}

async function collect(options: Options): Promise<number> {
  const { text, file } = await requiredConfig(options, 'collector')
  const logger = loggerOf(options)
  const collector = createCollector({
    config: text,
    file,
    env: process.env,
    factories: builtinFactories,
    logger,
    counters: createCounters(),
  })
  try {
    await collector.start()
  } catch (error) {
    await collector.shutdown({ deadlineMs: STOP_DEADLINE_MS })
    throw error
  }
  banner(collector.listening().map(({ component, protocol, address }) => [`${component} ${protocol}`, address]))
  return untilStopped(logger, collector.failed, (deadlineMs) => collector.shutdown({ deadlineMs }))
}

async function validate(options: Options): Promise<number> {
  const { text, file } = await requiredConfig(options, 'validate')
  const store = () => {
    throw new StorageError('closed', 'nothing is stored while a configuration is checked')
  }
  const factories = [...builtinFactories, storageExporterFactory(store, { refusing: undefined }) as Factory]
  createCollector({
    config: text,
    file,
    env: process.env,
    factories,
    logger: createLogger('warn'),
    counters: createCounters(),
  })
  process.stdout.write(`${file} is valid\n`)
  return 0
}

/** What a newcomer wants to know, and nothing else. */
function banner(lines: readonly (readonly [string, string | undefined])[]): void {
  const shown = lines.filter(([, value]) => value !== undefined)
  const width = Math.max(...shown.map(([name]) => name.length)) + 3
  const gray = (text: string) => styleText('gray', text, { stream: process.stdout })
  const rows = shown.map(([name, value]) => `  ${gray(name.padEnd(width))}${value}\n`)
  process.stdout.write(
    `\n  ${styleText('yellow', '◇', { stream: process.stdout })} spoor ${gray(version)}\n\n${rows.join('')}\n  ${gray('Ctrl-C stops')}\n\n`,
  )
}

/** Waits for a signal or a failure, then stops in order. A second signal gives up what is left. */
async function untilStopped(
  logger: Logger,
  failed: Promise<Error>,
  stop: (deadlineMs: number) => Promise<void>,
): Promise<number> {
  const { promise: forced, resolve: force } = Promise.withResolvers<number>()
  const { promise: signalled, resolve: signal } = Promise.withResolvers<undefined>()
  let signals = 0
  function onSignal(): void {
    if (++signals === 1) signal(undefined)
    else force(130)
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)

  async function stopped(): Promise<number> {
    const error = await Promise.race([failed, signalled])
    if (error) logger.error({ err: error }, 'a part failed; stopping')
    else logger.info({}, 'stopping; Ctrl-C again gives up what is left')
    await stop(STOP_DEADLINE_MS)
    return error ? 1 : 0
  }
  try {
    return await Promise.race([stopped(), forced])
  } finally {
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
}
