/** What can be known of a Node application from its files: in what order it loads, which copies of the API it has, and whether it is bundled. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { checkBundlerFiles, checkBundlerScripts } from './bundlers.ts'
import { code, type Diagnosis, diagnosis, env, setScript, shell } from './diagnosis.ts'
import type { Environment } from './environment.ts'

interface Manifest {
  readonly name?: string
  readonly type?: string
  readonly main?: string
  readonly scripts?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

interface Lock {
  readonly packages?: Readonly<Record<string, { readonly version?: string }>>
}

const REGISTER = '@spoor/instrument/register'
const API = '@opentelemetry/api'
/** Packages that instrumentations patch: imported before tracing, they are not. */
const PATCHED =
  /^(?:node:)?(?:http|https|express|fastify|koa|@hapi\/hapi|hono|pg|mysql2?|mongodb|mongoose|redis|ioredis|amqplib|kafkajs|undici|@grpc\/grpc-js|@nestjs\/core|knex|graphql)$/
const TRACING =
  /@spoor\/instrument|@opentelemetry\/(?:sdk-node|auto-instrumentations-node|sdk-trace)|(?:^|\/)(?:tracing|instrumentation|otel|telemetry|instrument)(?:\.[cm]?[jt]s)?$/
/** Node's options that load something first. */
const PRELOADS = /(?:^|\s)(?:--import|--require|-r)(?:\s+|=)(\S+)/g

/** Undefined where the directory has no package.json. */
export function checkNode(directory: string, environment: Environment): Diagnosis[] | undefined {
  const manifest = readJson(join(directory, 'package.json')) as Manifest | undefined
  if (!manifest) return undefined
  const found: Diagnosis[] = []
  const dependencies = { ...manifest.devDependencies, ...manifest.dependencies }
  const preloads = preloadsIn(environment['NODE_OPTIONS'] ?? '')
  checkPreloads(directory, preloads, found)
  const lock = readJson(join(directory, 'package-lock.json')) as Lock | undefined
  if (lock) checkCopies(lock, found)
  const traced = Object.keys(dependencies).some(
    (name) =>
      name === '@spoor/instrument' ||
      name.startsWith('@opentelemetry/sdk') ||
      name === '@opentelemetry/auto-instrumentations-node',
  )
  for (const script of ['start', 'dev']) {
    const command = manifest.scripts?.[script]
    if (command !== undefined) checkScript(directory, manifest, script, command, preloads, traced, found)
  }
  checkIndex(manifest, preloads, found)
  if (traced) checkEnvironmentFile(directory, manifest, dependencies, environment, found)
  if (traced) checkPm2(directory, found)
  checkBundlerScripts(manifest.scripts ?? {}, found)
  checkBundlerFiles(directory, found)
  if ('next' in dependencies) checkNext(directory, dependencies, found)
  checkDocker(directory, manifest, traced, found)
  return found
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}

function preloadsIn(command: string): string[] {
  return [...command.matchAll(PRELOADS)].map(([, path]) => path!.replace(/^["']|["']$/g, ''))
}

/** A path that does not lead to a file ends Node at its start. */
function checkPreloads(directory: string, preloads: readonly string[], found: Diagnosis[]): void {
  for (const path of preloads) {
    const isFile = /^[./]|^file:/.test(path)
    const where = isFile ? resolve(directory, path.replace(/^file:\/\//, '')) : undefined
    const there = where === undefined ? isInstalled(directory, path) : existsSync(where)
    if (!there)
      found.push(
        diagnosis(
          'preload_missing',
          `NODE_OPTIONS loads ${path}, which is not there: Node ends at its start.`,
          isFile
            ? 'Write an absolute path, as it is read from wherever Node is started.'
            : 'Install it where the application is.',
          [isFile ? env('NODE_OPTIONS', `--import ${REGISTER}`) : shell(`npm install ${packageOf(path)}`)],
        ),
      )
    else if (isFile && !isAbsolute(path) && !path.startsWith('file:'))
      found.push(
        diagnosis(
          'preload_relative',
          `NODE_OPTIONS loads ${path}, which is there for this directory alone.`,
          'Write an absolute path.',
          [env('NODE_OPTIONS', `--import ${where}`)],
          'info',
        ),
      )
  }
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

function isInstalled(directory: string, specifier: string): boolean {
  const name = packageOf(specifier)
  for (let at = resolve(directory); ; at = dirname(at)) {
    if (existsSync(join(at, 'node_modules', name))) return true
    if (dirname(at) === at) return false
  }
}

/** Copies of the API share what is installed by a global, but one that is newer than the one that installed it does not see it, and says no word. */
function checkCopies({ packages = {} }: Lock, found: Diagnosis[]): void {
  const copies = Object.entries(packages).filter(([path]) => path.endsWith(`node_modules/${API}`))
  const versions = [...new Set(copies.map(([, { version = '' }]) => version))]
  if (versions.length < 2) return
  const [newest] = versions.sort((a, b) => compareVersions(b, a))
  found.push(
    diagnosis(
      'two_api_copies',
      `${API} is there ${copies.length} times: ${copies.map(([path, { version }]) => `${path} ${version}`).join(', ')}. Spans that are made with one of them may be lost.`,
      'Have one version of it.',
      [shell(`npm pkg set 'overrides.${API}=${newest}' && npm install ${API}@${newest} && npm dedupe`)],
      'warning',
    ),
  )
}

function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.split(/[.-]/).map(Number))
  for (let index = 0; index < 3; index++) {
    const difference = (left![index] ?? 0) - (right![index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

function checkScript(
  directory: string,
  manifest: Manifest,
  script: string,
  command: string,
  preloads: readonly string[],
  traced: boolean,
  found: Diagnosis[],
): void {
  const entry =
    /(?:^|[;&|]\s*|\s)(?:node|tsx|ts-node|nodemon)\s+((?:-\S+(?:[\s=](?=[^-\s]*@|\.\/\S+\s)\S+)?\s+)*)(\S+\.[cm]?[jt]sx?)\b/.exec(
      command,
    )
  if (!entry) return
  const own = preloadsIn(command)
  if ([...own, ...preloads].some((path) => TRACING.test(path))) {
    const isEsm = manifest.type === 'module' || entry[2]!.endsWith('.mjs')
    const required = /(?:^|\s)(?:--require|-r)(?:\s+|=)(\S+)/.exec(command)?.[1]
    if (isEsm && required !== undefined && TRACING.test(required))
      found.push(
        diagnosis(
          'require_for_esm',
          `The script ${script} loads ${required} with --require, and the application is ES modules: these are not instrumented then.`,
          'Load it with --import.',
          [
            setScript(
              script,
              command.replace(/(?:--require|-r)(?:\s+|=)(\S+)/, (_, path: string) => `--import ${path}`),
            ),
          ],
        ),
      )
    return
  }
  const file = join(directory, entry[2]!)
  const late = lateImport(file)
  const isMissing = !late && traced && !importsTracing(file)
  if (!late && !isMissing) return
  const preload = late?.tracing.startsWith('.') ? late.tracing : preloadOf(directory)
  const line = setScript(script, command.replace(entry[2]!, `--import ${preload} ${entry[2]}`))
  const needsInstall = preload === REGISTER && !isInstalled(directory, REGISTER)
  const lines = [needsInstall ? shell(`npm install ${packageOf(REGISTER)} && ${line.text}`) : line]
  found.push(
    late
      ? diagnosis(
          'loaded_before_tracing',
          `${entry[2]} imports ${late.before} before ${late.tracing}: what is loaded before tracing is not instrumented.`,
          'Load tracing before the application.',
          lines,
        )
      : diagnosis(
          'tracing_not_loaded',
          `The script ${script} starts ${entry[2]}, and nothing loads tracing.`,
          'Load it first.',
          lines,
        ),
  )
}

/** The application's own file that sets tracing up, where it has one of a usual name. */
function preloadOf(directory: string): string {
  const names = ['tracing', 'instrumentation', 'otel', 'telemetry'].flatMap((name) =>
    ['.mjs', '.js', '.cjs', '.ts'].flatMap((end) => [`./${name}${end}`, `./src/${name}${end}`]),
  )
  return names.find((name) => existsSync(join(directory, name))) ?? REGISTER
}

/** Specifiers in the order in which they are imported: in ES modules imports are loaded before anything is run. */
function importsOf(file: string): string[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    return []
  }
  const found = text.matchAll(
    /^\s*(?:import\s+(?:[\w*{}\s,$]+\s+from\s+)?|(?:const|let|var)\s+[\w{}\s,:$]+=\s*require\(|require\()\s*["']([^"']+)["']/gm,
  )
  return [...found].map(([, specifier]) => specifier!)
}

function lateImport(file: string): { readonly before: string; readonly tracing: string } | undefined {
  const specifiers = importsOf(file)
  const at = specifiers.findIndex((one) => TRACING.test(one))
  if (at < 0) return undefined
  const before = specifiers.slice(0, at).find((one) => PATCHED.test(one))
  return before === undefined ? undefined : { before, tracing: specifiers[at]! }
}

function importsTracing(file: string): boolean {
  return importsOf(file).some((one) => TRACING.test(one))
}

/** The package without `/register` exports what starts tracing, and starts nothing. */
function checkIndex({ scripts = {} }: Manifest, preloads: readonly string[], found: Diagnosis[]): void {
  const index = '@spoor/instrument'
  const lines = Object.entries(scripts)
    .filter(([, command]) => preloadsIn(command).includes(index))
    .map(([script, command]) => setScript(script, command.replace(/@spoor\/instrument(?=["'\s])/, REGISTER)))
  if (preloads.includes(index)) lines.push(env('NODE_OPTIONS', `--import ${REGISTER}`))
  if (lines.length === 0) return
  found.push(
    diagnosis(
      'preload_starts_nothing',
      `${index} is loaded first, which by itself starts nothing.`,
      'Load its register entry.',
      lines,
    ),
  )
}

/** Variables in `.env` that nothing reads, or that come when tracing has started without them. */
function checkEnvironmentFile(
  directory: string,
  { scripts = {} }: Manifest,
  dependencies: Readonly<Record<string, string>>,
  environment: Environment,
  found: Diagnosis[],
): void {
  const file = join(directory, '.env')
  if (!existsSync(file) || 'next' in dependencies) return
  const names = [...readFileSync(file, 'utf8').matchAll(/^\s*(?:export\s+)?(OTEL_\w+)\s*=\s*\S/gm)].map(
    ([, name]) => name!,
  )
  const missing = names.filter((name) => environment[name] === undefined)
  const commands = Object.entries(scripts).filter(([, command]) => /(?:^|\s)(?:node|tsx)\s/.test(command))
  const [first] = commands.filter(([name]) => name === 'start' || name === 'dev')
  if (missing.length === 0 || first === undefined) return
  if (commands.some(([, command]) => /--env-file|dotenv/.test(command))) return
  const [script, command] = first
  const preload = preloadsIn(command).find((path) => TRACING.test(path))
  if ('dotenv' in dependencies && preload === undefined) return
  found.push(
    diagnosis(
      'env_file_not_loaded',
      `.env sets ${missing.slice(0, 3).join(', ')}, and ${
        'dotenv' in dependencies ? `dotenv reads it when ${preload} has started tracing already` : 'nothing reads it'
      }.`,
      'Let Node read it before all else.',
      [setScript(script, command.replace(/(^|\s)(node|tsx)(?=\s)/, '$1$2 --env-file=.env'))],
    ),
  )
}

const PM2_CONFIGS = ['ecosystem.config.js', 'ecosystem.config.cjs', 'ecosystem.config.mjs', 'pm2.config.js', 'pm2.json']

/** pm2 starts Node by its own configuration, and not by the scripts of package.json. */
function checkPm2(directory: string, found: Diagnosis[]): void {
  const name = PM2_CONFIGS.find((one) => existsSync(join(directory, one)))
  if (name === undefined) return
  const text = readFileSync(join(directory, name), 'utf8')
  const script = /\bscript["']?\s*:\s*["']([^"']+\.[cm]?[jt]s)["']/.exec(text)?.[1]
  if (script === undefined || /--import|--require|-r\s/.test(text) || importsTracing(join(directory, script))) return
  found.push(
    diagnosis(
      'pm2_without_preload',
      `${name} starts ${script}, and loads nothing before it.`,
      'Load tracing first, beside script.',
      [code(`node_args: '--import ${preloadOf(directory)}',`)],
    ),
  )
}

const NEXT_CONFIGS = ['next.config.js', 'next.config.mjs', 'next.config.ts', 'next.config.cjs']

function checkNext(directory: string, dependencies: Readonly<Record<string, string>>, found: Diagnosis[]): void {
  const used = ['@spoor/instrument', '@opentelemetry/sdk-node'].filter((name) => name in dependencies)
  if (used.length === 0) return
  const config = NEXT_CONFIGS.map((name) => join(directory, name)).find((path) => existsSync(path))
  const text = config === undefined ? '' : readFileSync(config, 'utf8')
  const missing = used.filter((name) => !text.includes(name))
  if (missing.length === 0) return
  found.push(
    diagnosis(
      'next_bundles_it',
      `Next.js bundles ${missing.join(' and ')}, where it can patch nothing.`,
      `Leave it outside of the bundle, in ${config ?? 'next.config.mjs'}.`,
      [code(`serverExternalPackages: [${missing.map((name) => `'${name}'`).join(', ')}],`)],
    ),
  )
}

/** A container's command that starts Node by itself goes past what a script loads. */
function checkDocker(directory: string, { scripts = {} }: Manifest, traced: boolean, found: Diagnosis[]): void {
  const file = join(directory, 'Dockerfile')
  if (!traced || !existsSync(file)) return
  const text = readFileSync(file, 'utf8')
  const command = /^(?:CMD|ENTRYPOINT)\s+\[?\s*"?node"?[\s,].*$/m.exec(text)?.[0]
  if (command === undefined || /--import|--require|-r\b/.test(command) || /NODE_OPTIONS/.test(text)) return
  if (!Object.values(scripts).some((script) => /--import|--require/.test(script))) return
  found.push(
    diagnosis(
      'docker_without_preload',
      `The Dockerfile starts Node without what the scripts load first: ${command.trim()}`,
      'Load it there, too.',
      [code(`ENV NODE_OPTIONS="--import ${REGISTER}"`)],
    ),
  )
}
