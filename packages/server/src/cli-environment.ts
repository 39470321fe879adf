/**
 * Options from the environment: `--page-port` is `SPOOR_PAGE_PORT`, and so on for every option of the programs that run. What the command line says goes over it; what neither says has
 * its default.
 */
import type { Command } from 'cac'
import type { OptionValue } from './cli-values.ts'
import { SpoorError } from './error.ts'

type Options = Readonly<Record<string, OptionValue>>

const PREFIX = 'SPOOR_'
/** May be repeated: in the environment one stands on each line. */
const REPEATED = ['config', 'set', 'cors']
/** What has its own say of where spans are stored: one of both on the command line leaves the other, in the environment, without effect. */
export const LOCAL_OPTIONS = [
  'data',
  'max-disk',
  'max-age',
  'reserve',
  'keep',
  'keep-slower-than',
  'keep-age',
  'keep-share',
]
/** What Kubernetes sets for each Service, by its name. */
const SERVICE_LINK = /^(?:tcp|udp|sctp):\/\//

export interface FromEnvironment {
  /** Those of the command line, and of the environment what it leaves open. */
  readonly options: Options
  /** The variables that stand for options, by the option's name: `page-port`. */
  readonly variables: ReadonlyMap<string, string>
  /** Of variables that look like an option, in words. */
  readonly warnings: readonly string[]
}

/** Throws SpoorError `option` for a value that is none. */
export function withEnvironment(
  { options: known }: Pick<Command, 'options'>,
  given: Options,
  env: Readonly<Record<string, string | undefined>> = process.env,
): FromEnvironment {
  const options: Record<string, OptionValue> = { ...given }
  const variables = new Map<string, string>()
  const names = known.map(({ rawName }) => /--([a-z-]+)/.exec(rawName)![1]!)
  const isGiven = (name: string): boolean => given[camelCase(name)] !== undefined
  const isLocal = LOCAL_OPTIONS.some((name) => isGiven(name) && !(name === 'data' && isGiven('store')))
  const without = new Set([
    ...(isLocal ? ['store'] : []),
    ...(isGiven('store') ? LOCAL_OPTIONS : []),
    // An image may name a directory, whatever the store is.
    ...(!isLocal && env[variableOf('store')]?.trim() ? ['data'] : []),
  ])
  for (const [i, name] of names.entries()) {
    const variable = variableOf(name)
    const value = env[variable]
    if (value === undefined || value.trim() === '' || without.has(name)) continue
    const { negated, isBoolean } = known[i]!
    const key = camelCase(negated ? name.replace(/^no-/, '') : name)
    // What is negated is true by default.
    if (negated ? given[key] === false : given[key] !== undefined) continue
    if (SERVICE_LINK.test(value) && name.endsWith('port'))
      throw new SpoorError(
        'option',
        `${variable}: "${value}" is what Kubernetes sets for a Service named ${serviceOf(variable)}, and not a port: say enableServiceLinks: false in the pod, or name the Service otherwise`,
      )
    if (negated) options[key] = !isTrue(variable, value)
    else if (isBoolean) options[key] = isTrue(variable, value) || undefined
    else options[key] = REPEATED.includes(name) ? linesOf(value) : value
    variables.set(name, variable)
  }
  return { options, variables, warnings: unknownVariables(names, env) }
}

/** Runs with what the environment says of the options that are open. Rejects in its words. */
export async function withVariables(
  command: Pick<Command, 'options'>,
  given: Options,
  run: (options: Options, warnings: readonly string[]) => Promise<number>,
): Promise<number> {
  const { options, variables, warnings } = withEnvironment(command, given)
  try {
    return await run(options, warnings)
  } catch (error) {
    throw namingVariables(error, variables)
  }
}

/** `error` in the words of the environment: options that were said there have the names that they have there. */
export function namingVariables(error: unknown, variables: ReadonlyMap<string, string>): unknown {
  if (!(error instanceof SpoorError) || error.code !== 'option') return error
  const message = error.message.replaceAll(
    /(?<![\w-])--([a-z]+(?:-[a-z]+)*)/g,
    (flag, name: string) => variables.get(name) ?? flag,
  )
  return message === error.message ? error : new SpoorError('option', message, { cause: error })
}

export function variableOf(option: string): string {
  return `${PREFIX}${option.replaceAll('-', '_').toUpperCase()}`
}

function camelCase(name: string): string {
  return name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

function isTrue(variable: string, value: string): boolean {
  if (/^(?:true|1|yes|on)$/i.test(value)) return true
  if (/^(?:false|0|no|off)$/i.test(value)) return false
  throw new SpoorError('option', `${variable}: "${value}" is not true or false`)
}

function linesOf(value: string): string[] {
  return value
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

function serviceOf(variable: string): string {
  return variable
    .replace(/_PORT$/, '')
    .toLowerCase()
    .replaceAll('_', '-')
}

/** Those that are written otherwise than one that is known, as SPOOR_PAGEPORT: what else begins alike may be anybody's. */
function unknownVariables(names: readonly string[], env: Readonly<Record<string, string | undefined>>): string[] {
  const plain = (name: string): string => name.replaceAll('_', '').toUpperCase()
  const known = new Map(names.map((name) => [plain(variableOf(name)), variableOf(name)]))
  return Object.keys(env).flatMap((name) => {
    const meant = known.get(plain(name))
    return meant === undefined || meant === name
      ? []
      : [`the environment has ${name}, which nobody reads; the option is ${meant}`]
  })
}
