import { resolve } from 'node:path'
import type { CAC } from 'cac'
import type { Io } from './cli-output.ts'
import { ageOf, type OptionValue, textOf } from './cli-values.ts'
import { SpoorError } from './error.ts'
import { USUAL_PORTS } from './ports.ts'
import { print } from './tools/output.ts'
import { runTool } from './tools/run-tool.ts'

type Options = Readonly<Record<string, OptionValue>>

const DEFAULT_WATCH_MS = 10_000
const DEFAULT_PATIENCE_MS = 6_000
const DEFAULT_COLLECTOR = `http://127.0.0.1:${USUAL_PORTS.collector}`

/** The doctor. Exit codes: 0 all is well, or what is not loses no spans; 1 something does; 2 wrong use. */
export function addDoctorCommand(cli: CAC, io: Io, choose: (action: () => Promise<number>) => void): void {
  cli
    .command(
      'doctor [...command]',
      'Find out why spans do not arrive, step by step, and say the line that mends it; -- COMMAND is run and watched',
    )
    .option('--page <url>', 'Where Spoor’s page is (default: port 16686 of the host that spans go to)')
    .option('--collector <url>', `Where the status of a collector before it is (default: ${DEFAULT_COLLECTOR})`)
    .option('--directory <dir>', 'Where the application is (default: here)')
    .option('--for <time>', 'How long the command is watched (default: 10s)')
    .option(
      '--patience <time>',
      'How long the probe may take to the store, as 40s where a collector samples (default: 6s)',
    )
    .option('--json', 'Print one JSON value, for other programs')
    .action((words: string[], options: Options) => {
      const output = { ...io, json: options['json'] === true }
      choose(async () => {
        const command = {
          directory: resolve(textOf('directory', options['directory']) ?? '.'),
          environment: process.env,
          page: originOf('page', options['page']),
          collector: originOf('collector', options['collector']) ?? DEFAULT_COLLECTOR,
          command: [...words, ...dashed(options)],
          watchMs: ageOf('for', options['for']) ?? DEFAULT_WATCH_MS,
          patienceMs: ageOf('patience', options['patience']) ?? DEFAULT_PATIENCE_MS,
        }
        const [{ doctor }, { doctorLines }] = await Promise.all([
          import('./doctor/doctor.ts'),
          import('./doctor/doctor-view.ts'),
        ])
        return runTool(output, async ({ signal }) => {
          const report = await doctor(command, signal ?? new AbortController().signal)
          print(output, report, () => doctorLines(report, output))
          return report.ok ? 0 : 1
        })
      })
    })
}

/** What stands behind `--`. */
function dashed(options: Options): readonly string[] {
  const words: unknown = options['--']
  return Array.isArray(words) ? words.map(String) : []
}

function originOf(option: string, value: OptionValue): string | undefined {
  const text = textOf(option, value)
  if (text === undefined) return undefined
  const url = /^https?:\/\//.test(text) ? text : `http://${text}`
  if (!URL.canParse(url))
    throw new SpoorError('option', `--${option}: "${text}" is not an address, as http://127.0.0.1:16686`)
  return new URL(url).origin
}
