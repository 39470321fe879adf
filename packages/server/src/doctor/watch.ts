/** Runs a program instrumented, and says what it sends and what it says of itself. */
import { spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { STATUS_PATHS, type SendersStatus } from '@spoor/collector'
import { createLookup } from '../run/lookup.ts'
import { planRun, type Plan } from '../run/plan.ts'
import { type Diagnosis, diagnosis, shell } from './diagnosis.ts'
import type { DoctorCommand } from './doctor.ts'
import { USER_AGENT } from './probe.ts'
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
/** What a program has to end when it is told to. Milliseconds. */
const GRACE_MS = 5_000

export async function watch(order: DoctorCommand, page: string, signal: AbortSignal): Promise<Watched> {
  const { command, directory, environment, watchMs } = order
  const { file, args, env, notes } = planned(order)
  const before = await sent(page)
  const child = spawn(file, args, {
    cwd: directory,
    env: { ...environment, ...env },
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
  const ended = Promise.withResolvers<{ code: number | null; error: Error | undefined }>()
  child.once('error', (error) => ended.resolve({ code: null, error }))
  child.once('close', (exitCode) => ended.resolve({ code: exitCode, error: undefined }))
  const over = new AbortController()
  const time = delay(watchMs, undefined, { signal: AbortSignal.any([signal, over.signal]) }).catch(() => {})
  const first = await Promise.race([ended.promise, time])
  over.abort()
  if (!first) child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS)
  const { code, error } = first ?? (await ended.promise)
  clearTimeout(timer)
  const after = await sent(page)
  const spans = after.spans - before.spans
  const services = [...after.services].filter((name) => !before.services.has(name))
  return {
    command,
    set: [
      ...(file === command[0] ? [] : [`${file} …`]),
      ...Object.entries(env).map(([name, value]) => `${name}=${value}`),
    ],
    exitCode: first ? code : null,
    spans,
    services,
    said,
    diagnoses: judge({ file, notes, said, spans, exitCode: first ? code : 0, error, watchMs }),
  }
}

/** As `spoor run` would start it; where it loads tracing by itself, without a second one. */
function planned({ command, directory, environment }: DoctorCommand): Plan {
  const plan = planRun(
    command,
    { service: undefined, endpoint: undefined },
    environment,
    createLookup(directory, environment),
  )
  if (!/@spoor\/instrument|opentelemetry/.test([environment['NODE_OPTIONS'], ...command].join(' '))) return plan
  const { NODE_OPTIONS: _, ...env } = plan.env
  return { ...plan, env }
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
  readonly file: string
  readonly notes: readonly string[]
  readonly said: readonly string[]
  readonly spans: number
  readonly exitCode: number | null
  readonly error: Error | undefined
  readonly watchMs: number
}

function judge({ file, notes, said, spans, exitCode, error, watchMs }: Seen): Diagnosis[] {
  if (error)
    return [
      diagnosis(
        'not_started',
        `${file} could not be started: ${error.message}.`,
        'Write it as it would be started by hand.',
      ),
    ]
  const found = notes.map((note) => {
    const line = /: ((?:npm|pip) .*)$/.exec(note)?.[1]
    return diagnosis(
      'not_prepared',
      `${note}.`,
      'So it is traced.',
      line === undefined ? [] : [shell(line)],
      spans > 0 ? 'info' : 'error',
    )
  })
  if (exitCode !== 0 && exitCode !== null)
    found.push(
      diagnosis('ended', `The program ended with exit code ${exitCode}.`, 'What it said is above.', [], 'warning'),
    )
  if (spans > 0 || notes.length > 0) return found
  const words = said.filter((line) => /error|fail|refus|warn|not |cannot|lost/i.test(line))
  found.push(
    diagnosis(
      'no_spans',
      `No span of it came within ${watchMs / 1000} s${words.length > 0 ? `; it said: ${words[0]}` : ''}.`,
      'Send it a request while it is watched; where that makes no span either, see what else is said here.',
    ),
  )
  return found
}
