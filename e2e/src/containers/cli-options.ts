/** The program's commands as a user finds them: by its help. */
import { spawnSync } from 'node:child_process'
import { join, resolve } from 'node:path'

export const workspace = resolve(import.meta.dirname, '../../..')
const program = join(workspace, 'packages/server/bin/spoor.js')

/** Runs `spoor` to its end. */
export function spoor(...args: readonly string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' })
  return { status, output: stdout + stderr }
}

const helps = new Map<string, readonly string[]>()

/** The options of a command, as `--page-port`; of `''` those of `spoor` alone. */
export function optionsOf(command: string): readonly string[] {
  const known = helps.get(command)
  if (known) return known
  const { output } = spoor(...(command === '' ? [] : [command]), '--help')
  const options = [...output.matchAll(/^\s+(?:-\w, )?(--[a-z-]+)/gm)].map(([, name]) => name!)
  helps.set(command, options)
  return options
}

/** The role that arguments of the program start, and its options among them. */
export function roleOf(args: readonly string[]): { role: string; options: readonly string[] } {
  const role = args[0]?.startsWith('-') === false ? args[0] : ''
  return { role, options: args.filter((arg) => arg.startsWith('--')).map((arg) => arg.split('=')[0]!) }
}

/** `--page-port` as it stands in the environment. */
export function variableOf(option: string): string {
  return `SPOOR_${option.slice(2).replaceAll('-', '_').toUpperCase()}`
}

/** What programs read of the environment that is no option. */
export const OTHER_VARIABLES = ['SPOOR_CLICKHOUSE_PASSWORD', 'SPOOR_STATUS_TOKEN']

/** The ports that a role opens when it is told nothing, or those of its configuration. */
export function portsOf(role: string, config: string | undefined): number[] {
  const own = { '': [16_686, 16_685], query: [16_686, 16_685], ingest: [55_681] }[role] ?? []
  if (role === 'query') return own
  if (config === undefined) return [...own, 4317, 4318]
  const written = [...config.matchAll(/endpoint: 0\.0\.0\.0:(\d+)|host: 0\.0\.0\.0, port: (\d+)/g)]
  return [...own, ...written.map(([, endpoint, metrics]) => Number(endpoint ?? metrics))]
}
