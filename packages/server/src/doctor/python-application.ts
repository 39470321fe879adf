/** What can be known of a Python application from its files and its environment of packages. */
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { promisify } from 'node:util'
import { code, type Diagnosis, diagnosis, shell } from './diagnosis.ts'
import type { Environment } from './environment.ts'
import { formatLength, LONGEST_TIMEOUT_S, secondsMeant } from './slips.ts'

const run = promisify(execFile)
const TIMEOUT_MS = 10_000
/** Files that are read, and bytes of one. */
const MAX_FILES = 300
const MAX_BYTES = 256 * 1024
const LEFT_OUT = new Set([
  'node_modules',
  '__pycache__',
  '.git',
  'site-packages',
  '.venv',
  'venv',
  'env',
  '.tox',
  'build',
  'dist',
])

/** Packages by their names, with versions. */
export type Packages = Readonly<Record<string, string>>

export interface PythonReport {
  /** As `/app/.venv/bin/python 3.13.5`; undefined where none was found. */
  readonly interpreter: string | undefined
  readonly packages: Packages
  readonly diagnoses: readonly Diagnosis[]
}

interface Source {
  readonly file: string
  readonly text: string
}

/** Undefined where the directory has nothing of Python. */
export async function checkPython(directory: string, environment: Environment): Promise<PythonReport | undefined> {
  const sources = sourcesIn(directory)
  // Beside a package.json a script of Python further down is a tool, or another application, which has to be examined where it is.
  const isOther = existsSync(join(directory, 'package.json'))
  const isPython =
    sources.some(({ file }) => !isOther || !/[\\/]/.test(file)) ||
    ['requirements.txt', 'pyproject.toml', 'Pipfile'].some((name) => existsSync(join(directory, name)))
  if (!isPython) return undefined
  const found: Diagnosis[] = []
  const { interpreter, packages } = await installed(directory, environment)
  for (const source of sources) checkSource(source, found)
  checkServers(directory, sources, packages['opentelemetry-sdk'], found)
  if (interpreter !== undefined) checkPackages(packages, sources, found)
  return { interpreter, packages, diagnoses: found }
}

function sourcesIn(directory: string): Source[] {
  const sources: Source[] = []
  const waiting = [directory]
  for (let at = waiting.shift(); at !== undefined && sources.length < MAX_FILES; at = waiting.shift()) {
    let names: string[]
    try {
      names = readdirSync(at)
    } catch {
      continue
    }
    for (const name of names) {
      const path = join(at, name)
      const stats = statSync(path, { throwIfNoEntry: false })
      if (stats?.isDirectory() && !LEFT_OUT.has(name) && !name.startsWith('.')) waiting.push(path)
      else if (stats?.isFile() && name.endsWith('.py') && stats.size <= MAX_BYTES)
        sources.push({ file: relative(directory, path), text: readFileSync(path, 'utf8') })
    }
  }
  return sources
}

/** What has an instrumentation of its own name. */
const FRAMEWORKS = ['fastapi', 'flask', 'django', 'requests', 'httpx', 'psycopg2', 'sqlalchemy', 'redis', 'celery']

const LIST = `import importlib.metadata, json, platform
print(json.dumps([platform.python_version(), {d.metadata['Name'].lower(): d.version for d in importlib.metadata.distributions() if d.metadata['Name']}]))`

async function installed(
  directory: string,
  environment: Environment,
): Promise<Pick<PythonReport, 'interpreter' | 'packages'>> {
  const roots = [environment['VIRTUAL_ENV'], join(directory, '.venv'), join(directory, 'venv'), join(directory, 'env')]
  const places = roots.flatMap((root) =>
    root === undefined ? [] : [join(root, 'bin', 'python'), join(root, 'Scripts', 'python.exe')],
  )
  for (const python of [...places.filter((path) => existsSync(path)), 'python3', 'python']) {
    try {
      const { stdout } = await run(python, ['-c', LIST], { timeout: TIMEOUT_MS, maxBuffer: 8 * 1024 * 1024 })
      const [version, packages] = JSON.parse(stdout) as [string, Packages]
      return { interpreter: `${python} ${version}`, packages }
    } catch {
      // The next one.
    }
  }
  return { interpreter: undefined, packages: {} }
}

const IMPORT =
  /^[ \t]*from\s+opentelemetry\.exporter\.otlp\.proto\.(grpc|http)\.trace_exporter\s+import\s+\(?\s*OTLPSpanExporter(?:[ \t]+as[ \t]+(\w+))?/gm
const EXPORTER = /\b(\w+)\(\s*(?:endpoint\s*=\s*)?f?["']((?:https?:\/\/)?[^"']*:(\d+)[^"']*)["']/g

function checkSource({ file, text }: Source, found: Diagnosis[]): void {
  checkExporters({ file, text }, found)
  checkTimeouts({ file, text }, found)
  const provider = text.search(/\btrace(?:_api)?\.set_tracer_provider\(/)
  const instrumented =
    /\b\w*Instrumentor(?:\(\))?\.(?:instrument_app|instrument)\(|\bFastAPIInstrumentor\b[^\n]*\(/.exec(
      text.replace(/^\s*(?:from|import)\b.*$/gm, (line) => ' '.repeat(line.length)),
    )
  const isInFunction = (at: number): boolean => /^[ \t]/.test(text.slice(text.lastIndexOf('\n', at) + 1))
  if (
    provider >= 0 &&
    instrumented &&
    instrumented.index < provider &&
    !isInFunction(instrumented.index) &&
    !isInFunction(provider)
  )
    found.push(
      diagnosis(
        'instrumented_before_provider',
        `${file}: instruments (line ${lineOf(text, instrumented.index)}) before the provider is set (line ${lineOf(text, provider)}): meters and tracers may be those of nobody.`,
        'Set the provider first.',
        [code(`trace.set_tracer_provider(provider)\n${lineText(text, instrumented.index)}`)],
      ),
    )
  if (
    /\bTracerProvider\(/.test(text) &&
    /\bOTLPSpanExporter\(/.test(text) &&
    !/(?:Batch|Simple)SpanProcessor\(/.test(text)
  )
    found.push(
      diagnosis(
        'no_processor',
        `${file}: a provider and an exporter, and no processor that hands spans from one to the other.`,
        'Add one.',
        [code('provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))')],
      ),
    )
}

/** The exporter that was imported last has the name; its port tells which was meant. Imports in branches are each alone. */
function checkExporters({ file, text }: Source, found: Diagnosis[]): void {
  const kinds = new Map<
    string,
    { readonly kind: string; readonly line: string; readonly at: number; readonly isInBlock: boolean }[]
  >()
  for (const match of text.matchAll(IMPORT)) {
    const name = match[2] ?? 'OTLPSpanExporter'
    kinds.set(name, [
      ...(kinds.get(name) ?? []),
      { kind: match[1]!, line: match[0].trim(), at: match.index, isInBlock: /^[ \t]/.test(match[0]) },
    ])
  }
  for (const match of text.matchAll(EXPORTER)) {
    const [, name = '', endpoint = '', port = ''] = match
    const imports = kinds.get(name)
    const isBranched = imports !== undefined && imports.length > 1 && imports.some(({ isInBlock }) => isInBlock)
    const last = isBranched ? undefined : imports?.filter(({ at }) => at < match.index).at(-1)
    const meant = port === '4317' ? 'grpc' : port === '4318' || endpoint.includes('/v1/traces') ? 'http' : undefined
    if (!last || meant === undefined || last.kind === meant) continue
    const isShadowed = imports!.some(({ kind }) => kind === meant)
    const line = `from opentelemetry.exporter.otlp.proto.${meant}.trace_exporter import OTLPSpanExporter`
    found.push(
      diagnosis(
        isShadowed ? 'exporter_shadowed' : 'exporter_of_other_port',
        `${file} line ${lineOf(text, match.index)}: ${endpoint} is for ${meant === 'grpc' ? 'gRPC' : 'HTTP'}, and ${name} is the exporter for ${last.kind === 'grpc' ? 'gRPC' : 'HTTP'}${isShadowed ? ', which was imported last under the same name' : ''}.`,
        isShadowed ? 'Import the one that is meant, and not the other.' : 'Import the one that goes with the port.',
        [code(line)],
      ),
    )
  }
  for (const [name, imports] of kinds) {
    if (imports.some(({ isInBlock }) => isInBlock)) continue
    if (new Set(imports.map(({ kind }) => kind)).size < 2 || found.some(({ what }) => what.startsWith(file))) continue
    found.push(
      diagnosis(
        'exporter_shadowed',
        `${file}: ${name} is imported for gRPC and for HTTP, and the last one has the name: ${imports.at(-1)!.line}`,
        'Import the one that is meant, or give one another name.',
        [code(`${imports[0]!.line} as ${imports[0]!.kind === 'grpc' ? 'Grpc' : 'Http'}SpanExporter`)],
        'warning',
      ),
    )
  }
}

const TIMEOUT = /\bOTLPSpanExporter\([^()]*?\btimeout\s*=\s*([\d_]+)/g

/** The exporters of Python count seconds where those of other languages count milliseconds. */
function checkTimeouts({ file, text }: Source, found: Diagnosis[]): void {
  for (const match of text.matchAll(TIMEOUT)) {
    const given = match[1]!
    const seconds = Number(given.replaceAll('_', ''))
    if (!(seconds > LONGEST_TIMEOUT_S)) continue
    const at = match.index + match[0].length - given.length
    const line = lineText(text, at)
    found.push(
      diagnosis(
        'long_timeout',
        `${file} line ${lineOf(text, at)}: timeout=${given} lets exports wait ${formatLength(seconds)} for a receiver that does not answer, and what ends meanwhile is dropped.`,
        'Python’s exporters count seconds, and not milliseconds.',
        [code(line.replace(/(\btimeout\s*=\s*)[\d_]+/, `$1${secondsMeant(String(seconds))}`))],
        'warning',
      ),
    )
  }
}

function lineOf(text: string, at: number): number {
  return text.slice(0, at).split('\n').length
}

function lineText(text: string, at: number): string {
  return text
    .slice(text.lastIndexOf('\n', at) + 1)
    .split('\n', 1)[0]!
    .trim()
}

const POST_FORK = `def post_fork(server, worker):
    from tracing import start_tracing  # where TracerProvider and BatchSpanProcessor are made
    start_tracing()`

/** From this minor version on the SDK starts a batch processor's thread anew in a process that was forked from its own (tried with 1.6.2, 1.7.1 and 1.45.1). */
const FORKS_WELL = 7

/** Before, the thread does not live on there. `sdk`: its version, where it is known. */
function checkServers(
  directory: string,
  sources: readonly Source[],
  sdk: string | undefined,
  found: Diagnosis[],
): void {
  const commands = [
    'Procfile',
    'Dockerfile',
    'docker-compose.yml',
    'compose.yaml',
    'pyproject.toml',
    'Makefile',
    'start.sh',
    'run.sh',
  ]
    .map((name) => join(directory, name))
    .filter((path) => existsSync(path))
    .map((path) => readFileSync(path, 'utf8'))
    .join('\n')
  const config = sources.find(({ file }) => file === 'gunicorn.conf.py' || file === 'gunicorn_config.py')
  const isWell = Number(/^1\.(\d+)/.exec(sdk ?? '')?.[1] ?? 0) >= FORKS_WELL
  const forks = !isWell && (config !== undefined || /\bgunicorn\b/.test(commands))
  const maker = sources.find(
    ({ text, file }) =>
      file !== config?.file &&
      /^(?:\w+\s*=\s*)?\w*\.?(?:set_tracer_provider|add_span_processor)\(/m.test(text) &&
      /BatchSpanProcessor\(/.test(text),
  )
  const hasHook = sources.some(({ text }) => /\bdef\s+post_fork\b|\bpostfork\b|register_at_fork/.test(text))
  const preloads = /preload_app\s*=\s*True/.test(config?.text ?? '') || /--preload/.test(commands)
  if (forks && maker && preloads && !hasHook)
    found.push(
      diagnosis(
        'forked',
        `gunicorn forks after ${maker.file} has made the batch processor: its thread is not in the workers, and their spans are never sent.`,
        'Make it in each worker, in gunicorn.conf.py, or bring opentelemetry-sdk to 1.7 or newer.',
        [code(POST_FORK)],
      ),
    )
  else if (forks && maker && !hasHook)
    found.push(
      diagnosis(
        'may_be_forked',
        `gunicorn forks its workers, and ${maker.file} makes the batch processor when it is imported: with preload_app its thread would not be in them.`,
        'Make it in each worker, in gunicorn.conf.py.',
        [code(POST_FORK)],
        'info',
      ),
    )
  if (/opentelemetry-instrument\s+.*\buvicorn\b.*--(?:reload|workers)/.test(commands))
    found.push(
      diagnosis(
        'uvicorn_children',
        'uvicorn with --reload or --workers starts other processes, which opentelemetry-instrument does not reach.',
        'Leave these options out; for several workers, use gunicorn with uvicorn’s worker class and a post_fork hook.',
        [shell('opentelemetry-instrument uvicorn app:app')],
      ),
    )
}

function checkPackages(packages: Packages, sources: readonly Source[], found: Diagnosis[]): void {
  const names = Object.keys(packages)
  const sdk = packages['opentelemetry-sdk']
  const uses = sources.some(({ text }) => /\bopentelemetry\b/.test(text))
  if (sdk === undefined) {
    if (uses || names.some((name) => name.startsWith('opentelemetry-')))
      found.push(
        diagnosis(
          'no_sdk',
          'The environment has no opentelemetry-sdk: with the API alone no span is made.',
          'Install it.',
          [shell('pip install opentelemetry-sdk opentelemetry-exporter-otlp')],
        ),
      )
    return
  }
  for (const kind of ['grpc', 'http'] as const) {
    const isUsed = sources.some(({ text }) => text.includes(`opentelemetry.exporter.otlp.proto.${kind}`))
    if (isUsed && packages[`opentelemetry-exporter-otlp-proto-${kind}`] === undefined)
      found.push(
        diagnosis('no_exporter', `The code imports the exporter for ${kind}, which is not installed.`, 'Install it.', [
          shell(`pip install opentelemetry-exporter-otlp-proto-${kind}`),
        ]),
      )
  }
  if (!names.some((name) => name.startsWith('opentelemetry-exporter-otlp')))
    found.push(
      diagnosis('no_exporter', 'The environment has no exporter for OTLP.', 'Install it.', [
        shell('pip install opentelemetry-exporter-otlp'),
      ]),
    )
  // Version 1.N of the SDK goes with 0.(N + 21)b0 of the instrumentations.
  const minor = Number(/^1\.(\d+)/.exec(sdk)?.[1] ?? Number.NaN)
  const odd = names.filter((name) => {
    const beta = /^0\.(\d+)b/.exec(packages[name]!)?.[1]
    return (
      name.startsWith('opentelemetry-') && beta !== undefined && !Number.isNaN(minor) && Number(beta) !== minor + 21
    )
  })
  if (odd.length > 0)
    found.push(
      diagnosis(
        'versions_apart',
        `opentelemetry-sdk ${sdk} goes with 0.${minor + 21}b0, and there are ${odd
          .slice(0, 4)
          .map((name) => `${name} ${packages[name]}`)
          .join(', ')}.`,
        'Bring them to one release.',
        [shell(`pip install --upgrade ${odd.map((name) => `${name}==0.${minor + 21}b0`).join(' ')}`)],
        'warning',
      ),
    )
  const imported = (name: string): boolean =>
    sources.some(({ text }) => new RegExp(`^\\s*(?:import|from)\\s+${name}\\b`, 'm').test(text))
  const frameworks = FRAMEWORKS.filter(
    (name) => name in packages && !(`opentelemetry-instrumentation-${name}` in packages) && imported(name),
  )
  if (frameworks.length > 0)
    found.push(
      diagnosis(
        'not_instrumented',
        `Nothing instruments ${frameworks.join(', ')}.`,
        'Install what does.',
        [shell(`pip install ${frameworks.map((name) => `opentelemetry-instrumentation-${name}`).join(' ')}`)],
        'info',
      ),
    )
}

/** Whether the environment of a command is Python's. */
export function isPythonCommand(command: string): boolean {
  return /(?:^|\/)(?:python[\d.]*|uvicorn|gunicorn|flask|django-admin|fastapi|hypercorn|celery|poetry|uv)$/.test(
    command,
  )
}
