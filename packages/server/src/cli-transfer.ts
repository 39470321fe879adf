import { resolve } from 'node:path'
import type { Readable } from 'node:stream'
import type { Filter } from '@spoor/storage'
import type { CAC } from 'cac'
import type { Io } from './cli-output.ts'
import { type OptionValue, shortPath, textOf, timeOf } from './cli-values.ts'
import { defaultDataDirectory } from './data-directory.ts'
import { SpoorError } from './error.ts'
import { USUAL_OTLP_HTTP } from './ports.ts'
import type { ToolOutput } from './tools/output.ts'
import { runTool } from './tools/run-tool.ts'
import type { ExportCommand, ExportForm } from './transfer/export.ts'
import type { ImportCommand } from './transfer/import.ts'

type Options = Readonly<Record<string, OptionValue>>

/** The commands that bring spans out of a store, and into one. Exit codes as of the tools. */
export function addTransferCommands(cli: CAC, io: Io, choose: (action: () => Promise<number>) => void): void {
  const json = 'Print one JSON value, for other programs'
  const outputOf = (options: Options): ToolOutput => ({ ...io, json: options['json'] === true })

  cli
    .command('export <dir>', 'Write the spans of a data directory into a file, also while Spoor is running on it')
    .option('--parquet <file>', 'As Parquet, for pandas, Polars, DuckDB and the like (docs/parquet.md); - is stdout')
    .option('--otlp-json <file>', 'As OTLP/JSON, one object a line; compressed where the name ends in .gz or .zst')
    .option('--otlp <file>', 'As OTLP protobuf messages, each after its length; compressed likewise')
    .option('--from <time>', 'Spans that start then or later, as 2026-05-09T12:00:00Z or 24h (ago)')
    .option('--to <time>', 'Spans that start then or earlier')
    .option('--query <query>', 'Spans that match, as in the search bar: service:shop status:error duration>1s')
    .option('--whole-traces', 'All spans of the traces in which there is such a span')
    .option('--force', 'Replace the file if it is there')
    .option('--json', json)
    .action((dir: string, options: Options) => {
      const output = outputOf(options)
      choose(async () => {
        const command = await exportCommand(dir, options)
        const { exportSpans } = await import('./transfer/export.ts')
        return runTool(output, (tool) => exportSpans(command, output, tool))
      })
    })
  cli
    .command(
      'import [...files]',
      'Take spans out of files: OTLP (JSON, JSON lines, protobuf) or Jaeger’s JSON; - is stdin',
    )
    .option('--data <dir>', 'Into this data directory; Spoor must not be running on it')
    .option(
      '--endpoint <url>',
      `Into what takes OTLP over HTTP there (default: ${USUAL_OTLP_HTTP} if it answers, else ${shortPath(defaultDataDirectory({}))})`,
    )
    .option('--json', json)
    .action((files: string[], options: Options) => {
      const output = outputOf(options)
      choose(async () => {
        const command = importCommand(files, options, process.stdin)
        const { importFiles } = await import('./transfer/import.ts')
        return runTool(output, (tool) => importFiles(command, output, tool))
      })
    })
}

function importCommand(files: readonly string[], options: Options, stdin: Readable): ImportCommand {
  if (files.length === 0) throw new SpoorError('option', 'spoor import needs files; - is the standard input')
  const data = textOf('data', options['data'])
  const endpoint = textOf('endpoint', options['endpoint'])
  if (data !== undefined && endpoint !== undefined) {
    throw new SpoorError(
      'option',
      'name --data for a store that is not running, or --endpoint for one that is, not both',
    )
  }
  return { files, data: data && resolve(data), endpoint, defaultData: defaultDataDirectory(), stdin }
}

/** Options whose value may be `-`, which the parser of the command line takes for an option of its own: with it they become one word. */
export function joinDashes(argv: readonly string[]): string[] {
  const joined: string[] = []
  for (const word of argv) {
    const takes = word === '-' && /^--(parquet|otlp|otlp-json)$/.test(joined.at(-1) ?? '')
    if (takes) joined.push(`${joined.pop()!}=-`)
    else joined.push(word)
  }
  return joined
}

const FORMS: readonly (readonly [ExportForm, string])[] = [
  ['parquet', 'parquet'],
  ['otlp-json', 'otlpJson'],
  ['otlp', 'otlp'],
]

async function exportCommand(dir: string, options: Options): Promise<ExportCommand> {
  const [target, second] = FORMS.filter(([, key]) => options[key] !== undefined)
  if (!target || second) {
    throw new SpoorError('option', 'spoor export needs one file: --parquet FILE, --otlp-json FILE or --otlp FILE')
  }
  const [form, key] = target
  const from = timeOf('from', options['from'])
  const to = timeOf('to', options['to'])
  const filter = await filterOf(textOf('query', options['query']))
  return {
    directory: resolve(dir),
    form,
    to: textOf(form, options[key])!,
    force: options['force'] === true,
    what: {
      ...(from !== undefined && { from }),
      ...(to !== undefined && { to }),
      ...(filter && { filter }),
      wholeTraces: options['wholeTraces'] === true,
    },
  }
}

async function filterOf(query: string | undefined): Promise<Filter | undefined> {
  if (query === undefined) return undefined
  const { parseFilter, QueryError } = await import('./query/index.ts')
  try {
    return parseFilter(query)
  } catch (error) {
    if (error instanceof QueryError) throw new SpoorError('option', `--query: ${error.message}`, { cause: error })
    throw error
  }
}
