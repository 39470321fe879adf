import { resolve } from 'node:path'
import type { CAC } from 'cac'
import type { Io } from './cli-output.ts'
import { amountOf, type OptionValue, textOf } from './cli-values.ts'
import { SpoorError } from './error.ts'
import { runTool } from './tools/run-tool.ts'
import type { MigrateCommand } from './transfer/migrate.ts'

type Options = Readonly<Record<string, OptionValue>>

/** What brings a store to another. Exit codes as of the tools: 1 where something is not the same at the end. */
export function addMigrateCommand(cli: CAC, io: Io, choose: (action: () => Promise<number>) => void): void {
  cli
    .command('migrate', 'Bring the spans of a data directory to a ClickHouse, compare both, and go on where it was')
    .option('--from <dir>', 'The data directory; nothing in it is changed, and Spoor may be running on it')
    .option('--to <address>', 'The store, as clickhouse://user@host:8123/database; see docs/clickhouse.md')
    .option('--no-create', 'Do not make the tables where they are not there')
    .option('--rate <spans>', 'Spans a second that are stored at most, as 20k (default: as many as go)')
    .option('--dry-run', 'Say what is not there, and store nothing')
    .option('--json', 'Print one JSON value, for other programs')
    .example('  spoor migrate --from ~/.local/share/spoor --to clickhouse://spoor@ch:8123/traces')
    .action((options: Options) => {
      const output = { ...io, json: options['json'] === true }
      choose(async () => {
        const command = await migrateCommand(options)
        const { migrate } = await import('./transfer/migrate.ts')
        return runTool(output, (tool) => migrate(command, output, tool))
      })
    })
}

async function migrateCommand(options: Options): Promise<MigrateCommand> {
  const from = textOf('from', options['from'])
  const to = textOf('to', options['to'])
  if (from === undefined || to === undefined)
    throw new SpoorError('option', 'spoor migrate needs both: --from DIR and --to clickhouse://user@host:8123/database')
  const { isClickHouseUrl, parseClickHouseUrl } = await import('@spoor/storage/clickhouse')
  if (isClickHouseUrl(from))
    throw new SpoorError('option', '--from: a ClickHouse cannot be brought to a directory; only the other way is there')
  if (!isClickHouseUrl(to))
    throw new SpoorError(
      'option',
      `--to: "${to}" is no address of a store; clickhouse://user@host:8123/database is one. Between directories use spoor backup`,
    )
  try {
    parseClickHouseUrl(to)
  } catch (error) {
    throw new SpoorError('option', `--to: ${(error as Error).message}`, { cause: error })
  }
  return {
    directory: resolve(from),
    to,
    create: options['create'] !== false,
    dryRun: options['dryRun'] === true,
    spansPerSecond: amountOf('rate', options['rate']),
  }
}
