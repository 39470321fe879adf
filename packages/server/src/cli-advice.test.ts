import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { commandLine } from './cli.ts'

const packages = join(import.meta.dirname, '..', '..')
const FILES = [
  ...['server', 'storage', 'collector'].flatMap((name) => globSync(`${packages}/${name}/src/**/*.ts`)),
  ...globSync(`${packages}/ui/src/{shell/health-state.ts,search/setup-hint.tsx}`),
].filter((path) => !/\.test\.|testkit|conformance|faults|extension-helper\/html|loadgen\/market/.test(path))
/** Options of Node and V8, and of what is run by others. */
const FOREIGN = new Set([
  '--add-host',
  '--import',
  '--env-file',
  '--reload',
  '--require',
  '--bundle',
  '--packages',
  '--workers',
  '--upgrade',
  '--external-memory-accounted-in-global-limit',
  '--heap-growing-percent',
  '--semi-space-growth-factor',
  '--expose-gc',
  '--no-expose-gc',
])

/** The texts of a source file, one after another. */
function textsOf(path: string): string {
  const code = readFileSync(path, 'utf8').replaceAll(/\/\*[^]*?\*\/|(?<=^|\s)\/\/.*$/gm, '')
  const literals = path.endsWith('.tsx') ? [code] : [...code.matchAll(/'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`/g)]
  return literals.join('\n')
}

const cli = commandLine({ stdout: new PassThrough(), stderr: new PassThrough() }, () => {})
const options = new Set(
  [cli.globalCommand, ...cli.commands].flatMap((command) =>
    command.options.map(({ rawName }) => /--[a-z-]+/.exec(rawName)![0]),
  ),
)

it('names only commands that there are', () => {
  const commands = new Set(cli.commands.map(({ name }) => name))
  expect(commands).toContain('verify')
  const named = FILES.flatMap((path) => [...textsOf(path).matchAll(/["“]spoor ([a-z]+)/g)].map(([, name]) => name!))
  expect(named.length).toBeGreaterThan(0)
  expect(named.filter((name) => !commands.has(name))).toEqual([])
})

it('names only options that there are, in everything that it says', () => {
  expect(options).toContain('--max-disk')
  const named = FILES.flatMap((path) => {
    const flags = [...textsOf(path).matchAll(/(?<![\w-])--[a-z][a-z-]*[a-z]/g)].map(([flag]) => flag)
    return flags.map((flag) => `${flag} in ${path.slice(packages.length + 1)}`)
  })
  expect(named.length).toBeGreaterThan(10)
  const unknown = named.filter((line) => {
    const [flag] = line.split(' ')
    return !options.has(flag!) && !FOREIGN.has(flag!)
  })
  expect(unknown).toEqual([])
})
