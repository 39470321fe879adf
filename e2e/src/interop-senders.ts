/** The programs of ../interop: how each is built with its language's tools, and run. */
import { execFile, spawnSync } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import type { Abilities, Run } from './interop-spans.ts'
import { node, root } from './spoor.ts'

const execute = promisify(execFile)

/** Where programs are built, outside of the repository. */
export const interopCache = process.env['SPOOR_INTEROP_CACHE'] ?? join(homedir(), '.cache', 'spoor-interop')
const sources = join(root, 'e2e', 'interop')
const RUN_MS = 60_000

export interface Language extends Abilities {
  readonly name: string
  readonly protocols: readonly ('grpc' | 'http' | 'json')[]
  /** What must be installed. */
  readonly tools: readonly string[]
  build(): Promise<void>
  readonly command: readonly [string, ...string[]]
}

const jars = join(interopCache, 'java')
const python = join(interopCache, 'python', 'bin', 'python')
const PYTHON_VERSION = '1.44.0'

export const languages: readonly Language[] = [
  {
    name: 'go',
    protocols: ['grpc', 'http'],
    tools: ['go'],
    scopeAttributes: true,
    w3cFlags: true,
    async build() {
      await execute('go', ['build', '-o', join(interopCache, 'go-sender'), '.'], { cwd: join(sources, 'go') })
    },
    command: [join(interopCache, 'go-sender')],
  },
  {
    name: 'java',
    protocols: ['grpc', 'http'],
    tools: ['java', 'javac', 'mvn'],
    linkStates: true,
    w3cFlags: true,
    async build() {
      const cwd = join(sources, 'java')
      await execute('mvn', ['-q', 'dependency:copy-dependencies', `-DoutputDirectory=${jars}`], { cwd })
      await execute('javac', ['-cp', join(jars, '*'), '-d', jars, 'Sender.java'], { cwd })
    },
    command: ['java', '-cp', `${join(jars, '*')}${delimiter}${jars}`, 'Sender'],
  },
  {
    name: 'python',
    protocols: ['grpc', 'http'],
    tools: ['python3'],
    scopeAttributes: true,
    async build() {
      await execute('python3', ['-m', 'venv', join(interopCache, 'python')])
      const packages = ['opentelemetry-sdk', 'opentelemetry-exporter-otlp'].map((name) => `${name}==${PYTHON_VERSION}`)
      await execute(python, ['-m', 'pip', 'install', '--quiet', ...packages])
    },
    command: [python, join(sources, 'python', 'sender.py')],
  },
  {
    name: 'rust',
    protocols: ['grpc', 'http'],
    tools: ['cargo'],
    scopeAttributes: true,
    linkStates: true,
    w3cFlags: true,
    async build() {
      const env = { ...process.env, CARGO_TARGET_DIR: join(interopCache, 'rust'), CARGO_PROFILE_DEV_DEBUG: '0' }
      await execute('cargo', ['build', '--quiet'], { cwd: join(sources, 'rust'), env })
    },
    command: [join(interopCache, 'rust', 'debug', 'sender')],
  },
  {
    name: 'node',
    protocols: ['grpc', 'http', 'json'],
    tools: [],
    linkStates: true,
    w3cFlags: true,
    async build() {},
    command: [node, join(root, 'e2e', 'src', 'interop-sender.ts')],
  },
]

/** The one that needs nothing. */
export const nodeLanguage = languages.find(({ name }) => name === 'node')!

/** The tools of a language that are not installed. */
export function missingTools({ tools }: Language): string[] {
  return tools.filter((tool) => spawnSync('which', [tool]).status !== 0)
}

export async function buildSender(language: Language): Promise<void> {
  await mkdir(interopCache, { recursive: true })
  await language.build()
}

/** `env`: OpenTelemetry's own variables, beside this process's. */
export async function runSender(
  { command: [program, ...args] }: Language,
  protocol: string,
  { prefix, t0, count, service }: Run,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const all = [...args, protocol, prefix, String(t0), String(count), service]
  const { stderr } = await execute(program, all, { env: { ...process.env, ...env }, timeout: RUN_MS })
  if (/error|fail/i.test(stderr)) throw new Error(`the sender says: ${stderr}`)
}
