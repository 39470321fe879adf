import { resolve } from 'node:path'
import { type DeleteSpec } from '@spoor/storage'
import type { CAC } from 'cac'
import { normalizeTraceId } from './api/params.ts'
import type { Io } from './cli-output.ts'
import { type OptionValue, shortPath, textOf, timeOf } from './cli-values.ts'
import { defaultDataDirectory } from './data-directory.ts'
import { SpoorError } from './error.ts'
import type { ToolOutput } from './tools/output.ts'
import { runTool } from './tools/run-tool.ts'

type Options = Readonly<Record<string, OptionValue>>

/** The commands that work on a data directory. Exit codes: 0 all is fine, 1 damage or failure, 2 wrong use. */
export function addToolCommands(cli: CAC, io: Io, choose: (action: () => Promise<number>) => void): void {
  const data = `Data directory (default: $SPOOR_DATA, else ${shortPath(defaultDataDirectory({}))})`
  const json = 'Print one JSON value, for other programs'
  const outputOf = (options: Options): ToolOutput => ({ ...io, json: options['json'] === true })

  cli
    .command('verify <dir>', 'Read all that is stored, and say what is not as it was written; changes nothing')
    .option('--json', json)
    .action((dir: string, options: Options) => {
      const output = outputOf(options)
      choose(async () => {
        const { verify } = await import('./tools/verify.ts')
        return runTool(output, (tool) => verify(resolve(dir), output, tool))
      })
    })
  cli
    .command('repair <dir>', 'Make whole what can be made whole, losing nothing; Spoor must not be running on it')
    .option('--json', json)
    .action((dir: string, options: Options) => {
      const output = outputOf(options)
      choose(async () => {
        const { repair } = await import('./tools/repair.ts')
        return runTool(output, (tool) => repair(resolve(dir), output, tool))
      })
    })
  cli
    .command('backup <to>', 'Copy the data directory to an empty or new one, also while Spoor is running on it')
    .option('--data <dir>', data)
    .option('--json', json)
    .action((to: string, options: Options) => {
      const output = outputOf(options)
      choose(async () => {
        const { backup } = await import('./tools/backup.ts')
        return runTool(output, (tool) => backup(dataOf(options), resolve(to), output, tool))
      })
    })
  cli
    .command(
      'delete [...trace-ids]',
      'Delete traces, or spans by attribute and time; Spoor must not be running on them, but in a ClickHouse',
    )
    .option('--data <dir>', data)
    .option('--store <address>', 'A ClickHouse instead, on which others may be at work')
    .option(
      '--attribute <key=value>',
      'Spans that have it on themselves, an event, link, resource or scope; KEY alone: any value',
    )
    .option('--from <time>', 'With --attribute: spans that start then or later, as 2026-05-09T12:00:00Z or 24h (ago)')
    .option('--to <time>', 'With --attribute: spans that start then or earlier')
    .option('--damaged-too', 'Also delete what is damaged and cannot be searched')
    .option('--yes', 'Do it; without it, what would go is said')
    .option('--json', json)
    .action((ids: string[], options: Options) => {
      const output = outputOf(options)
      choose(async () => {
        const { deleteFromStore, deleteSpans } = await import('./tools/delete.ts')
        const store = textOf('store', options['store'])
        if (store !== undefined) {
          if (options['data'] !== undefined || options['damagedToo'] === true)
            throw new SpoorError('option', '--data and --damaged-too are of a data directory, and not of a --store')
          const yes = options['yes'] === true
          const what = deleteSpec(ids, options)
          return runTool(output, (tool) => deleteFromStore({ store, what, yes }, output, tool))
        }
        const command = {
          directory: dataOf(options),
          what: deleteSpec(ids, options),
          damagedToo: options['damagedToo'] === true,
          yes: options['yes'] === true,
        }
        return runTool(output, (tool) => deleteSpans(command, output, tool))
      })
    })
}

function dataOf(options: Options): string {
  return resolve(textOf('data', options['data']) ?? defaultDataDirectory())
}

function deleteSpec(ids: readonly string[], options: Options): DeleteSpec {
  const attribute = textOf('attribute', options['attribute'])
  const from = timeOf('from', options['from'])
  const to = timeOf('to', options['to'])
  if (ids.length > 0) {
    if (attribute !== undefined || from !== undefined || to !== undefined) {
      throw new SpoorError('option', 'name trace ids, or --attribute with --from and --to, not both')
    }
    return { traceIds: ids.map(traceIdOf) }
  }
  if (attribute === undefined) {
    throw new SpoorError('option', 'what is to be deleted? Name trace ids, or --attribute KEY=VALUE')
  }
  const [, key, value] = /^([^=]+)(?:=([^]*))?$/.exec(attribute) ?? []
  if (key === undefined) throw new SpoorError('option', `--attribute: "${attribute}" is not KEY=VALUE or KEY`)
  return {
    attribute: key,
    ...(value !== undefined && { value }),
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
  }
}

function traceIdOf(text: string): string {
  const id = normalizeTraceId(text)
  if (id === undefined) throw new SpoorError('option', `"${text}" is not a trace id: 32 hex digits`)
  return id
}
