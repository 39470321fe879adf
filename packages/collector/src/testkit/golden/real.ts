/** What the OpenTelemetry Collector makes of golden cases: all of them in one process, each with a port, a pipeline and a file of its own. */
import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { countItems } from '@spoor/otlp'
import { stringify } from 'yaml'
import { HTTP_PATHS } from '../../otlp-protocol/services.ts'
import { freePort } from '../otlp-http.ts'
import { FROM_JSON } from './here.ts'
import {
  byPipeline,
  entryText,
  exporterOf,
  exportersOf,
  INSTANCE_ID,
  pipelinesOf,
  scraped,
  type GoldenCase,
} from './case.ts'

export interface RealOutcome {
  /** The requests that came out. */
  readonly output?: readonly object[]
  /** What is wrong with the configuration. */
  readonly error?: string
}

interface Door {
  readonly golden: GoldenCase
  readonly port: number
  readonly file: string
  /** Of what an exporter serves. */
  readonly scrapePort: number
  scraped?: object[]
}

const START_MS = 60_000
/** Collectors that run beside each other. */
const AT_A_TIME = 4

/** The version that the program tells. */
export async function versionOf(binary: string): Promise<string> {
  const { stdout } = await run(binary, ['--version'])
  return stdout.trim().split(/\s+/).at(-1)!
}

/** The outcome of each case, in their order. */
export async function runReal(binary: string, cases: readonly GoldenCase[]): Promise<RealOutcome[]> {
  const folder = mkdtempSync(join(tmpdir(), 'golden-'))
  try {
    const doors: Door[] = []
    const ports = new Set<number>()
    // What is free may be told twice, as long as nobody listens there.
    while (ports.size < 2 * cases.length) ports.add(await freePort())
    const [...free] = ports
    for (const [i, golden] of cases.entries())
      doors.push({ golden, port: free[2 * i]!, scrapePort: free[2 * i + 1]!, file: join(folder, `${i}.json`) })
    const errors: (string | undefined)[] = []
    for (const [i, door] of doors.entries()) {
      const config = join(folder, `${i}.yaml`)
      writeFileSync(config, configText([door]))
      errors.push(await validate(binary, config, door.golden.gates))
    }
    const valid = doors.filter((_, i) => errors[i] === undefined)
    const alone = valid.filter(
      ({ golden: { kind, pauseMs, pipelines, env, gates } }) =>
        pipelines.length > 0 ||
        Object.keys(env).length > 0 ||
        gates.length > 0 ||
        (kind !== 'processor' && pauseMs > 0),
    )
    const together = valid.filter((door) => !alone.includes(door))
    if (together.length > 0) await collect(binary, join(folder, 'all.yaml'), together)
    // What goes by the time since the start, and must not go on while others are asked; or has names of pipelines that others have, too, or variables or feature gates.
    for (let i = 0; i < alone.length; i += AT_A_TIME) {
      const some = alone.slice(i, i + AT_A_TIME)
      await Promise.all(some.map((door) => collect(binary, join(folder, `${door.port}.yaml`), [door])))
    }
    return doors.map(({ golden, file, scraped: served }, i) => {
      const error = errors[i]
      if (error !== undefined) return { error: withoutNames(error, golden) }
      if (golden.kind === 'exporter') return { output: served ?? [] }
      const output = byPipeline(golden, (pipeline) =>
        linesOf(exporterOf(golden, file, pipeline)).filter((request) => hasItems(golden, request)),
      )
      return { output }
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function configText(doors: readonly Door[]): string {
  const receivers: Record<string, object> = {}
  const exporters: Record<string, object> = {}
  const pipelines: Record<string, object> = {}
  const sections = { processor: '', connector: '', exporter: '' }
  for (const { golden, port, file, scrapePort } of doors) {
    const name = nameOf(golden)
    const ids = { receiver: `otlp/${name}`, component: `${golden.type}/${name}`, exporter: `file/${name}` }
    receivers[ids.receiver] = { protocols: { http: { endpoint: `127.0.0.1:${port}`, include_metadata: true } } }
    const files = exportersOf(golden, file)
    if (golden.kind !== 'exporter')
      for (const [index, id] of exportersOf(golden, ids.exporter).entries()) exporters[id] = { path: files[index] }
    Object.assign(pipelines, pipelinesOf(golden, name, ids))
    sections[golden.kind] += entryText(golden.config.replaceAll('PORT', String(scrapePort)), ids.component)
  }
  const telemetry = { metrics: { level: 'none' }, logs: { level: 'warn' } }
  if (Object.keys(exporters).length > 0) sections.exporter += indented(stringify(exporters))
  const components = Object.entries(sections).map(([kind, text]) => (text === '' ? '' : `${kind}s:\n${text}`))
  return `${components.join('')}${stringify({ receivers, service: { telemetry, pipelines } })}`
}

function indented(yaml: string): string {
  return yaml.replaceAll(/^(?=.)/gm, '  ')
}

/** The error as it would be with a component and a pipeline that have no name. */
function withoutNames(error: string, golden: GoldenCase): string {
  return error.replaceAll(`/${nameOf(golden)}`, '')
}

function nameOf({ name }: GoldenCase): string {
  return name.replace('/', '-')
}

/** Undefined where nothing is wrong. */
export async function validate(
  binary: string,
  config: string,
  gates: readonly string[] = [],
): Promise<string | undefined> {
  const { code, stderr } = await run(binary, ['validate', `--config=${config}`, ...gateOptions(gates)])
  if (code === 0) return undefined
  // Go's own line of log behind it says the same again.
  const text = stderr.replace(/^Error: /, '').replace(/\n\d{4}\/\d\d\/\d\d [\s\S]*$/, '')
  return text.trim()
}

function gateOptions(gates: readonly string[]): string[] {
  return gates.length === 0 ? [] : [`--feature-gates=${gates.join(',')}`]
}

/** Starts it, sends to each pipeline what goes in, and ends it, which writes the files. */
async function collect(binary: string, config: string, doors: readonly Door[]): Promise<void> {
  writeFileSync(config, configText(doors))
  const env = Object.assign({ ...process.env }, ...doors.map(({ golden }) => golden.env)) as NodeJS.ProcessEnv
  const gates = gateOptions([...new Set(doors.flatMap(({ golden }) => golden.gates))])
  const child = spawn(binary, [`--config=${config}`, ...gates], { env, stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text))
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  try {
    await Promise.all(
      doors.map(async (door) => {
        for (const body of door.golden.input) {
          await post(door, JSON.stringify(body), () => child.exitCode === null).catch((error: unknown) => {
            throw new Error(`${door.golden.name}: ${String(error)}\n${log}`, { cause: error })
          })
          await new Promise((resolve) => setTimeout(resolve, door.golden.pauseMs))
        }
        if (door.golden.kind === 'exporter')
          door.scraped = await scrape(door, () => child.exitCode === null).catch((error: unknown) => {
            throw new Error(`${door.golden.name}: ${String(error)}\n${log}`, { cause: error })
          })
      }),
    )
  } finally {
    child.kill('SIGTERM')
    await ended
  }
}

/** Until it listens, again and again. */
async function scrape({ golden, scrapePort }: Door, isRunning: () => boolean): Promise<object[]> {
  for (const deadline = Date.now() + START_MS; ;) {
    try {
      return await scraped(`127.0.0.1:${scrapePort}`, golden)
    } catch (error) {
      if (!isRunning() || Date.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

/** The same of what is sent. */
async function post({ golden, port }: Door, body: string, isRunning: () => boolean): Promise<void> {
  const deadline = Date.now() + START_MS
  for (;;) {
    try {
      return await postOnce(golden, port, body)
    } catch (error) {
      const isDown = (error as NodeJS.ErrnoException).code === 'ECONNREFUSED'
      if (!isDown || !isRunning() || Date.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

function postOnce({ signal, headers }: GoldenCase, port: number, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port,
      path: HTTP_PATHS[signal],
      method: 'POST',
      headers: { 'content-type': 'application/json', ...mutable(headers) },
    }
    const call = request(options, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => (text += part))
      response.on('end', () => {
        if (response.statusCode === 200) resolve()
        else reject(new Error(`${response.statusCode}: ${text}`))
      })
    })
    call.on('error', reject)
    call.end(body)
  })
}

function mutable(headers: GoldenCase['headers']): Record<string, string[]> {
  return Object.fromEntries(Object.entries(headers).map(([key, values]) => [key, [...values]]))
}

/** It is made up anew at each start. */
const INSTANCE = /("collector\.instance\.id","value":\{"stringValue":")[^"]*/g

function linesOf(file: string): object[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line.replaceAll(INSTANCE, `$1${INSTANCE_ID}`)) as object)
}

/** A connector here hands on nothing where there is nothing; the real one hands on an empty request. */
function hasItems({ kind, to }: GoldenCase, request: object): boolean {
  return kind !== 'connector' || countItems(to, FROM_JSON[to](JSON.stringify(request))) > 0
}

function run(binary: string, args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    execFile(binary, args, (error, stdout, stderr) => {
      if (error && typeof error.code !== 'number') reject(new Error(`${binary}: ${error.message}`, { cause: error }))
      else resolve({ code: (error?.code as number | undefined) ?? 0, stdout, stderr })
    })
  })
}
