import type { ConfigText } from '@spoor/collector'
import type { CAC } from 'cac'
import { LOCAL_OPTIONS } from './cli-environment.ts'
import type { Io } from './cli-output.ts'
import { countOf, type OptionValue, textOf } from './cli-values.ts'
import { storeInConfig } from './config-store.ts'
import { SpoorError } from './error.ts'

type Options = Readonly<Record<string, OptionValue>>

const DEFAULT_ADDRESS = 'clickhouse://127.0.0.1/default'
const MAX_DAYS = 36_500

/** What is there for a store that is a ClickHouse. */
export function addClickHouseCommand(cli: CAC, io: Io, choose: (action: () => Promise<number>) => void): void {
  cli
    .command(
      'clickhouse <what>',
      'What a ClickHouse needs to be the store: "schema" prints the statements that make its tables',
    )
    .option('--store <address>', `Whose database and table they are (default: ${DEFAULT_ADDRESS})`)
    .option('--cluster <name>', 'Replicated tables on this cluster, and distributed ones over them')
    .option('--ttl <days>', 'Days after which spans are deleted (default: never)')
    .action((what: string, options: Options) => choose(() => printSchema(what, options, io)))
}

async function printSchema(what: string, options: Options, io: Io): Promise<number> {
  if (what !== 'schema')
    throw new SpoorError('option', `spoor clickhouse ${what}: there is only "spoor clickhouse schema"`)
  const cluster = textOf('cluster', options['cluster'])
  if (cluster !== undefined && !/^[\w-]+$/.test(cluster))
    throw new SpoorError('option', `--cluster: "${cluster}": letters, digits, _ and - are taken`)
  const ttlDays = countOf('ttl', options['ttl'], MAX_DAYS)
  const { parseClickHouseUrl, schemaOf } = await import('@spoor/storage/clickhouse')
  const address = parseClickHouseUrl(textOf('store', options['store']) ?? DEFAULT_ADDRESS)
  io.stdout.write(
    schemaOf({ ...address, cluster, ttlDays })
      .map((statement) => `${statement};\n`)
      .join('\n'),
  )
  return 0
}

/** The address of the store where there is one, which has been looked at: that of the option, or of the configuration. Throws for options that have no meaning beside it. */
export async function storeOf(
  options: Options,
  config: readonly ConfigText[] | undefined,
  allowed: readonly string[] = [],
): Promise<string | undefined> {
  const store = textOf('store', options['store'])
  if (store !== undefined) {
    await checkStoreAddress(store, options, allowed)
    return store
  }
  const written = config && storeInConfig(config)
  // A directory may be named in the environment, whatever the store is.
  if (written !== undefined) await checkStoreAddress(written, options, ['data'], 'exporters.spoor_storage.store')
  else if (options['create'] === false)
    throw new SpoorError('option', '--no-create is for a store that is a ClickHouse: add --store')
  return written
}

/** Throws SpoorError `option` for what is no address of a store, and for options that have no meaning beside it; those of `allowed` have one. `where`: who names it. */
export async function checkStoreAddress(
  store: string,
  options: Options,
  allowed: readonly string[] = [],
  where = '--store',
): Promise<void> {
  const local = LOCAL_OPTIONS.find((name) => options[camelCase(name)] !== undefined && !allowed.includes(name))
  if (local !== undefined)
    throw new SpoorError(
      'option',
      `--${local} is of a data directory, and with ${where} there is none: leave one of them out`,
    )
  const { isClickHouseUrl, parseClickHouseUrl } = await import('@spoor/storage/clickhouse')
  if (!isClickHouseUrl(store))
    throw new SpoorError(
      'option',
      `${where}: "${store}" is no address of a store; clickhouse://user@host:8123/database is one`,
    )
  try {
    parseClickHouseUrl(store)
  } catch (error) {
    throw new SpoorError('option', `${where}: ${(error as Error).message}`, { cause: error })
  }
}

function camelCase(name: string): string {
  return name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
