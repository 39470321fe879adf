/** Runs a program instrumented, and says what it sends and what it says of itself. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { STATUS_PATHS, type SendersStatus } from '@spoor/collector'
import { type Diagnosis, diagnosis, env, shell } from './diagnosis.ts'
import type { DoctorCommand } from './doctor.ts'
import { find } from './environment.ts'
import { USER_AGENT } from './probe.ts'
import { isPythonCommand } from './python-application.ts'
import { askJson } from './read-back.ts'

export interface Watched {
  readonly command: readonly string[]
  /** What was set for it. */
  readonly set: readonly string[]
  /** Null while it ran on when the watch ended. */
  readonly exitCode: number | null
  readonly spans: number
  readonly services: readonly string[]
  /** What it said of tracing. */
  readonly said: readonly string[]
  readonly diagnoses: readonly Diagnosis[]
}

const MAX_SAID = 50
/** Of an SDK, of our own or any. */
const OF_TRACING = /^spoor: |opentelemetry|otel|otlp|\btracing\b/i
const REGISTER = '@spoor/instrument/register'
const POLL_MS = 500
/** What a program has to end when it is told to. Milliseconds. */
const GRACE_MS = 5_000

export async function watch(
  { command, directory, environment, watchMs }: DoctorCommand,
  page: string,
  signal: AbortSignal,
): Promise<Watched> {
  const { argv, added } = instrumented(command, directory, environment, page)
  const [program = '', ...args] = argv
  const before = await sent(page)
  const child = spawn(program, args, {
    cwd: directory,
    env: { ...environment, ...added },
    stdio: ['inherit', 'pipe', 'pipe'],
  })
  const said: string[] = []
  const listen = (stream: NodeJS.ReadableStream, out: NodeJS.WritableStream): void => {
    let rest = ''
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => {
      out.write(text)
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) if (OF_TRACING.test(line) && said.length < MAX_SAID) said.push(line.slice(0, 500))
    })
  }
  listen(child.stdout, process.stderr)
  listen(child.stderr, process.stderr)
  const ended = Promise.withResolvers<{ code: number | null; error?: Error }>()
  child.once('error', (error) => ended.resolve({ code: null, error }))
  child.once('exit', (code) => ended.resolve({ code }))
  let end: { code: number | null; error?: Error } | undefined
  void ended.promise.then((how) => (end = how))
  const until = performance.now() + watchMs
  while (!end && !signal.aborted && performance.now() < until) await Promise.race([ended.promise, delay(POLL_MS)])
  const ranOn = !end
  if (ranOn) {
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS)
    await ended.promise
    clearTimeout(timer)
  }
  const after = await sent(page)
  const spans = after.spans - before.spans
  const services = [...after.services].filter((name) => !before.services.has(name))
  const set = Object.entries(added).map(([name, value]) => `${name}=${value}`)
  const diagnoses = judge({
    program,
    said,
    spans,
    exitCode: ranOn ? 0 : (end?.code ?? null),
    error: end?.error,
    added,
    watchMs,
  })
  return {
    command,
    set: argv[0] === command[0] ? set : [`${argv[0]} …`, ...set],
    exitCode: ranOn ? null : (end?.code ?? null),
    spans,
    services,
    said,
    diagnoses,
  }
}

/** The command and the variables by which it is traced; what is set already stays. */
function instrumented(
  command: readonly string[],
  directory: string,
  environment: DoctorCommand['environment'],
  page: string,
): { readonly argv: readonly string[]; readonly added: Record<string, string> } {
  const [program = ''] = command
  const added: Record<string, string> = {}
  const isPython = isPythonCommand(program)
  if (!find(environment, 'OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT')) {
    added['OTEL_EXPORTER_OTLP_ENDPOINT'] = `http://${new URL(page).hostname}:4318`
    if (!find(environment, 'OTEL_EXPORTER_OTLP_PROTOCOL', 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'))
      added['OTEL_EXPORTER_OTLP_PROTOCOL'] = 'http/protobuf'
  }
  if (!find(environment, 'OTEL_BSP_SCHEDULE_DELAY')) added['OTEL_BSP_SCHEDULE_DELAY'] = '500'
  if (isPython) {
    for (const name of ['OTEL_METRICS_EXPORTER', 'OTEL_LOGS_EXPORTER'])
      if (!find(environment, name)) added[name] = 'none'
    const tool = [environment['VIRTUAL_ENV'], join(directory, '.venv'), join(directory, 'venv')]
      .map((root) => root && join(root, 'bin', 'opentelemetry-instrument'))
      .find((path) => path && existsSync(path))
    return { argv: tool ? [tool, ...command] : command, added }
  }
  const preload = registerFrom(directory)
  const options = environment['NODE_OPTIONS'] ?? ''
  const isNode = /(?:^|\/)(?:node|npm|npx|tsx|pnpm|yarn|next)$/.test(program)
  const isTraced = /@spoor\/instrument|opentelemetry/.test([options, ...command].join(' '))
  if (isNode && !isTraced && preload !== undefined) added['NODE_OPTIONS'] = `${options} --import ${preload}`.trim()
  return { argv: command, added }
}

/** The application's own, else the one beside this program. */
function registerFrom(directory: string): string | undefined {
  for (const from of [join(directory, 'package.json'), import.meta.url])
    try {
      return new URL(`file://${createRequire(from).resolve(REGISTER)}`).href
    } catch {
      // The next one.
    }
  return undefined
}

async function sent(page: string): Promise<{ readonly spans: number; readonly services: ReadonlySet<string> }> {
  try {
    const { senders } = await askJson<SendersStatus>(page, STATUS_PATHS.senders)
    const others = senders.filter(({ userAgent }) => userAgent !== USER_AGENT)
    return {
      spans: others.reduce((sum, { items }) => sum + items, 0),
      services: new Set(others.flatMap(({ sampled }) => sampled.resources.map(({ service }) => service))),
    }
  } catch {
    return { spans: 0, services: new Set() }
  }
}

interface Seen {
  readonly program: string
  readonly said: readonly string[]
  readonly spans: number
  readonly exitCode: number | null
  readonly error: Error | undefined
  readonly added: Readonly<Record<string, string>>
  readonly watchMs: number
}

function judge({ program, said, spans, exitCode, error, added, watchMs }: Seen): Diagnosis[] {
  if (error)
    return [
      diagnosis(
        'not_started',
        `${program} could not be started: ${error.message}.`,
        'Write it as it would be started by hand.',
      ),
    ]
  const found: Diagnosis[] = []
  if (exitCode !== 0 && exitCode !== null)
    found.push(
      diagnosis('ended', `The program ended with exit code ${exitCode}.`, 'What it said is above.', [], 'warning'),
    )
  if (spans > 0) return found
  const words = said.filter((line) => /error|fail|refus|warn|not |cannot|lost/i.test(line))
  const isNode = /(?:^|\/)(?:node|npm|npx|tsx|pnpm|yarn|next)$/.test(program)
  found.push(
    diagnosis(
      'no_spans',
      `No span of it came within ${watchMs / 1000} s${words.length > 0 ? `; it said: ${words[0]}` : ''}.`,
      isNode
        ? 'Nothing makes spans until a request comes: send it one while it is watched; or nothing loads tracing.'
        : 'Send it a request while it is watched; where nothing makes spans in it, install what instruments it.',
      isNode && added['NODE_OPTIONS'] === undefined
        ? [shell('npm install @spoor/instrument'), env('NODE_OPTIONS', `--import ${REGISTER}`)]
        : [],
    ),
  )
  return found
}
