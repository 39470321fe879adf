import { createHash } from 'node:crypto'
import { join, resolve } from 'node:path'
import {
  builtinComponents,
  CollectorError,
  type ConfigText,
  createCounters,
  didYouMean,
  componentList,
  configSchema,
  effectiveConfig,
  type Factory,
  type KnownFactory,
  loadAll,
  type Logger,
  openCollector,
  parseHostPort,
  readConfigTexts,
  setText,
  type StatusOptions,
} from '@spoor/collector'
import { StorageError } from '@spoor/storage'
import type { CAC } from 'cac'
import {
  banner,
  type Io,
  LEVELS,
  lifetimeOf,
  loggerOf,
  sayOf,
  SHUTDOWN_DELAY,
  SHUTDOWN_TIMEOUT,
  STOP_DEADLINE_MS,
} from './cli-output.ts'
import { withVariables } from './cli-environment.ts'
import { ageOf, choiceOf, countOf, type OptionValue, shortPath, textOf, textsOf, waitOf } from './cli-values.ts'
import { type ConfigReload, createConfigReload } from './config-reload.ts'
import { defaultDataDirectory } from './data-directory.ts'
import { SpoorError } from './error.ts'
import { runUntilStopped } from './lifetime/lifetime.ts'
import { explainListenError } from './listen-error.ts'
import { createLogger } from './logging.ts'
import { USUAL_PORTS } from './ports.ts'
import { createIntake, storageExporterFactory } from './storage-exporter.ts'
import { runTool } from './tools/run-tool.ts'

type Options = Readonly<Record<string, OptionValue>>

const CONFIG = 'A file, file:PATH, env:NAME or yaml:TEXT; may be repeated, the later over the earlier'
const DEFAULT_STATUS_ENDPOINT = `localhost:${USUAL_PORTS.collector}`
/** For `--watch`, of all programs that run a configuration. */
export const WATCH = 'Reload the configuration when its files change, and not by SIGHUP alone'
const SET = 'One setting over all of them, as processors.batch.timeout=2s; may be repeated'

/** Options of the program that runs, as cac names them; what is tried or looked at is told on the command line. */
const OF_ENVIRONMENT = [
  'config',
  'set',
  'watch',
  'data',
  'statusEndpoint',
  'shutdownDelay',
  'shutdownTimeout',
  'logLevel',
]

/** The commands that take a collector's configuration. Exit codes: 0 all is fine, 1 a configuration that is wrong, 2 wrong use. */
export function addCollectorCommands(cli: CAC, io: Io, choose: (action: () => Promise<number>) => void): void {
  const command = cli
    .command(
      'collector [action] [...rest]',
      'Run a collector alone, without store and page; look at one: top, tap; or try a configuration: test, simulate',
    )
    .option('--config <uri>', CONFIG)
    .option('--set <key=value>', SET)
    .option('--watch', WATCH)
    .option(
      '--data <dir>',
      `Where traces that wait for tail_sampling outlive the process (default: $SPOOR_DATA, else a folder for this --config in ${shortPath(defaultDataDirectory({}))})`,
    )
    .option(
      '--status-endpoint <host:port>',
      `Where top, tap and Spoor read its status, or off (default: ${DEFAULT_STATUS_ENDPOINT})`,
    )
    .option('--shutdown-delay <time>', SHUTDOWN_DELAY)
    .option('--shutdown-timeout <time>', SHUTDOWN_TIMEOUT)
    .option('--log-level <level>', `${LEVELS} (default: warn at a terminal, else info)`)
    .option('--once', 'top: print one table, for scripts, and end')
    .option('--count <n>', 'tap: items to show (default: 10)')
    .option('--redact <keys>', 'tap: attributes whose values are not shown, as http.url,user.id')
    .option('--json', 'tap: lines of OTLP/JSON; test, simulate: one JSON value')
    .option('--expect <file>', 'test: what should come out, OTLP/JSON; the exit code is 1 where it is other')
    .option('--update', 'test: write what comes out into the file of --expect')
    .option('--header <name=value>', 'test: of the requests, as x-tenant=a; may be repeated')
    .option('--every <time>', 'test: between one request and the next, as 2s (default: 0s)')
    .option('--for <time>', 'test: how long the pipelines go on behind the last request (default: 61s); takes no time')
    .option('--receiver <id>', 'test, simulate: which receiver gets it (default: the first that speaks OTLP)')
    .option(
      '--from <dir|file>',
      'simulate: a data directory, or files of spans as spoor import reads them; may be repeated',
    )
    .option('--slow <time>', 'simulate: what is slow, as 500ms (default: the slowest twentieth of each operation)')
    .option('--limit <n>', 'simulate: spans to read at most (default: 500000, of half a kilobyte of memory each)')
  const variables = { options: command.options.filter(({ name }) => OF_ENVIRONMENT.includes(name)) }
  command.action((action: string | undefined, rest: string[], options: Options) =>
    choose(() =>
      withVariables(action === undefined ? variables : { options: [] }, options, (all, warnings) =>
        collectorAction(action, rest, all, warnings, io),
      ),
    ),
  )
  cli
    .command('validate', 'Check a collector configuration, and say what is wrong in it')
    .option('--config <uri>', CONFIG)
    .option('--set <key=value>', SET)
    .action((options: Options) => choose(() => validate(options, io)))
  cli
    .command('print-config', 'Print a collector configuration as it is after merging and expanding')
    .option('--config <uri>', CONFIG)
    .option('--set <key=value>', SET)
    .option('--mode <mode>', 'redacted (default: secrets are left out) or unredacted')
    .option('--format <format>', 'yaml (default) or json')
    .action((options: Options) => choose(() => printConfig(options, io)))
  cli
    .command('print-schema', 'Print the JSON Schema of collector configurations, for editors')
    .action(() => choose(() => printSchema(io)))
  cli
    .command('components', 'List the components that a collector configuration may use')
    .action(() => choose(() => printComponents(io)))
}

/** What `--config` and `--set` say; undefined without `--config`. Throws SpoorError `option`, CollectorError `config`. */
export async function configOf(options: Options): Promise<readonly ConfigText[] | undefined> {
  const uris = textsOf('config', options['config'])
  const settings = textsOf('set', options['set'])
  if (uris.length === 0) {
    if (settings.length > 0) throw new SpoorError('option', '--set goes over a configuration: add --config FILE')
    return undefined
  }
  try {
    return [...(await readConfigTexts(uris, process.env)), ...settings.map(setText)]
  } catch (error) {
    throw error instanceof CollectorError ? error : new SpoorError('option', (error as Error).message, { cause: error })
  }
}

async function requiredConfig(options: Options, command: string): Promise<readonly ConfigText[]> {
  const config = await configOf(options)
  if (!config) throw new SpoorError('option', `spoor ${command} needs a configuration: add --config FILE`)
  return config
}

const ACTIONS = ['top', 'tap', 'test', 'simulate', 'validate', 'print-config', 'print-schema', 'components']

async function collectorAction(
  action: string | undefined,
  rest: readonly string[],
  options: Options,
  warnings: readonly string[],
  io: Io,
): Promise<number> {
  if (action === undefined) return collect(options, warnings, io)
  // As otelcol has them, behind the name of the program.
  if (action === 'validate') return validate(options, io)
  if (action === 'print-config') return printConfig(options, io)
  if (action === 'print-schema') return printSchema(io)
  if (action === 'components') return printComponents(io)
  if (action === 'test' || action === 'simulate') return tryAction(action, rest, options, io)
  const endpoint = textOf('status-endpoint', options['statusEndpoint'])
  const [edge] = rest
  if (action === 'top' && edge === undefined) {
    const { top } = await import('./operate/top.ts')
    return top({ endpoint, once: options['once'] === true }, io)
  }
  if (action === 'tap') {
    const count = countOf('count', options['count'], 1_000) ?? 10
    const redact = textsOf('redact', options['redact']).flatMap((text) => text.split(','))
    const { tap } = await import('./operate/tap.ts')
    return tap({ endpoint, edge, count, redact, json: options['json'] === true }, io)
  }
  const known = ACTIONS.map((name) => `spoor collector ${name}`).join(', ')
  const message = `spoor collector ${action} is no command${didYouMean(action, ACTIONS)}; there are: spoor collector --config FILE, ${known}`
  throw new SpoorError('option', message)
}

/** The configuration comes first, where `--config` does not name it. What is tried is loaded when it is. */
async function tryAction(
  action: 'test' | 'simulate',
  rest: readonly string[],
  options: Options,
  io: Io,
): Promise<number> {
  const [first, ...others] = rest
  const named = options['config'] === undefined && first !== undefined
  const config = await requiredConfig(named ? { ...options, config: first } : options, `collector ${action} CONFIG`)
  const files = named ? others : rest
  const output = { ...io, json: options['json'] === true }
  const receiver = textOf('receiver', options['receiver'])
  const factories = await loadAll(knownFactories())
  if (action === 'simulate') {
    const from = [...textsOf('from', options['from']), ...files]
    if (from.length === 0)
      throw new SpoorError('option', 'spoor collector simulate needs traffic: add --from DIRECTORY or --from FILE')
    const slowMs = ageOf('slow', options['slow'])
    const maxSpans = countOf('limit', options['limit'], 50_000_000) ?? 500_000
    const { simulate } = await import('./trial/simulate.ts')
    const command = {
      config,
      factories,
      from,
      receiver,
      maxSpans,
      slowS: slowMs === undefined ? undefined : slowMs / 1000,
      stdin: process.stdin,
    }
    return runTool(output, (tool) => simulate(command, output, tool))
  }
  const { checkFiles, testConfig } = await import('./trial/try-config.ts')
  checkFiles(files)
  return testConfig(
    {
      config,
      factories,
      files,
      receiver,
      headers: headersOf(textsOf('header', options['header'])),
      everyMs: waitOf('every', options['every']) ?? 0,
      forMs: waitOf('for', options['for']) ?? 61_000,
      expect: textOf('expect', options['expect']),
      update: options['update'] === true,
    },
    output,
  )
}

function headersOf(texts: readonly string[]): Map<string, string[]> {
  const headers = new Map<string, string[]>()
  for (const text of texts) {
    const at = text.indexOf('=')
    if (at < 1) throw new SpoorError('option', `--header: "${text}" is not a header; write it as x-tenant=a`)
    const name = text.slice(0, at).toLowerCase()
    headers.set(name, [...(headers.get(name) ?? []), text.slice(at + 1)])
  }
  return headers
}

async function collect(options: Options, warnings: readonly string[], io: Io): Promise<number> {
  const config = await requiredConfig(options, 'collector')
  const status = statusOf(options)
  let logger = loggerOf(options)
  const collector = await openCollector({
    config,
    factories: builtinComponents,
    logger: (logs) => (logger = loggerOf(options, logs)),
    servesMetrics: true,
    folder: folderOf(options),
    status,
  })
  for (const warning of warnings) logger.warn({}, warning)
  const reload = reloadOf(options, io, logger)
  const stop = (deadlineMs: number) => {
    reload.end()
    return collector.shutdown({ deadlineMs })
  }
  return runUntilStopped(
    async () => {
      try {
        await collector.start()
      } catch (error) {
        await stop(STOP_DEADLINE_MS)
        throw explainListenError(error, [])
      }
      const ports = collector.listening()
      banner(io, [
        ...ports.map(({ component, protocol, address }) => [`${component} ${protocol}`, address] as const),
        ['Status', collector.statusAddress && `${collector.statusAddress}  (${topCommand(status)})`],
      ])
      reload.begin(collector)
      return { failed: collector.failed, drain: () => collector.drain(), stop }
    },
    { ...lifetimeOf(io, logger, options), onHangup: () => reload.request() },
  )
}

/**
 * Where it keeps what must outlive it. Several collectors may run here with no word of it: each configuration has a folder of its own by default, which is the same
 * after each start.
 */
function folderOf(options: Options): string {
  const given = textOf('data', options['data']) ?? process.env['SPOOR_DATA']
  if (given) return join(resolve(given), 'collector')
  const uris = textsOf('config', options['config']).map((uri) => (uri.includes(':') ? uri : resolve(uri)))
  const name = createHash('sha256').update(JSON.stringify(uris)).digest('hex').slice(0, 8)
  return join(defaultDataDirectory(), `collector-${name}`)
}

/** How one looks at it. */
function topCommand(status: StatusOptions | undefined): string {
  const endpoint = status?.endpoint ?? DEFAULT_STATUS_ENDPOINT
  return `spoor collector top${endpoint === DEFAULT_STATUS_ENDPOINT ? '' : ` --status-endpoint ${endpoint}`}`
}

/** Where the status can be read; undefined for `off`. */
function statusOf(options: Options): StatusOptions | undefined {
  const endpoint = textOf('status-endpoint', options['statusEndpoint']) ?? DEFAULT_STATUS_ENDPOINT
  if (endpoint === 'off') return undefined
  try {
    parseHostPort(endpoint)
  } catch (error) {
    throw new SpoorError('option', `--status-endpoint: ${(error as Error).message}, or off`)
  }
  return { endpoint, token: process.env['SPOOR_STATUS_TOKEN'] }
}

/** Reloads of what `--config` and `--set` say. */
export function reloadOf(options: Options, io: Io, logger: Logger): ConfigReload {
  const read = async () => (await configOf(options)) ?? []
  return createConfigReload({ read, logger, say: sayOf(io), watch: options['watch'] === true })
}

/** With the components of `spoor collector` and of `spoor --config`. */
function knownFactories(): readonly KnownFactory[] {
  const store = () => {
    throw new StorageError('closed', 'nothing is stored while a configuration is checked')
  }
  return [...builtinComponents, storageExporterFactory(store, createIntake()) as Factory]
}

async function validate(options: Options, io: Io): Promise<number> {
  const config = await requiredConfig(options, 'validate')
  const { warnings } = await openCollector({
    config,
    factories: knownFactories(),
    logger: () => createLogger('warn'),
    servesMetrics: true,
    counters: createCounters(),
  })
  for (const warning of warnings) io.stderr.write(`${warning}\n`)
  io.stdout.write(`${config.map(({ file }) => file).join(', ')} is valid\n`)
  return 0
}

async function printSchema(io: Io): Promise<number> {
  io.stdout.write(`${JSON.stringify(configSchema(await loadAll(knownFactories())), null, 2)}\n`)
  return 0
}

async function printComponents(io: Io): Promise<number> {
  io.stdout.write(componentList(await loadAll(knownFactories())))
  return 0
}

async function printConfig(options: Options, io: Io): Promise<number> {
  const redacted = choiceOf('mode', options['mode'], ['redacted', 'unredacted']) !== 'unredacted'
  const format = choiceOf('format', options['format'], ['yaml', 'json']) ?? 'yaml'
  const texts = await requiredConfig(options, 'print-config')
  io.stdout.write(effectiveConfig(texts, { env: process.env, redacted, format }))
  return 0
}
