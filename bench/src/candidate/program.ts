import { spawn, type ChildProcess } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '@spoor/collector/testkit'
import { track, type Running } from '../process/running.ts'
import { READY_MS } from '../process/start.ts'
import { configOf, receivers, type Exporter, type Ports } from './config.ts'
import { waitUntil, type Probe } from './ready.ts'

/** A program under test as its user starts it, and its addresses. */
export interface Program extends Running {
  /** `host:port` */
  readonly grpc: string
  readonly http: string
  /** URL of the query APIs; '' for a collector alone. */
  readonly page: string
  /** Milliseconds from its start until it was ready. */
  readonly readyMs: number
}

/** The command of the built program, bundled where it is. */
const SPOOR = fileURLToPath(new URL('../bin/spoor.js', import.meta.resolve('spoor')))
const spoor = [process.execPath, SPOOR]

/** `spoor` with a data directory and further `flags`, all else as it comes. */
export async function startSpoor(
  data: string,
  ready: Probe = waitUntil.accepting,
  flags: readonly string[] = [],
): Promise<Program> {
  const [page, grpc, http] = await Promise.all([freePort(), freePort(), freePort()])
  const ports = ['--page-port', page, '--otlp-grpc-port', grpc, '--otlp-http-port', http].map(String)
  return start([...spoor, '--data', data, ...ports, '--log-level', 'warn', ...flags], { page, grpc, http }, ready)
}

/** A collector with a configuration, or that of an exporter: `spoor collector`, or the real one where its file is given. `folder` is where it is written. */
export async function startCollector(
  folder: string,
  config: Exporter | ((ports: Ports) => string),
  real?: string,
  ready: Probe = waitUntil.accepting,
): Promise<Program> {
  const [grpc, http] = await Promise.all([freePort(), freePort()])
  const text = typeof config === 'function' ? config({ grpc, http }) : configOf(config, { grpc, http })
  const file = await written(folder, `${http}.yaml`, text)
  // Several run at a time, and only one could have the port of its status.
  const own = [
    ...spoor,
    'collector',
    '--config',
    file,
    '--data',
    folder,
    '--status-endpoint',
    'off',
    '--log-level',
    'warn',
  ]
  return start(real === undefined ? own : [real, '--config', file], { grpc, http }, ready)
}

/** Jaeger with its memory store and the processors of its all-in-one. It keeps 100,000 traces, as that does. */
export async function startJaeger(
  folder: string,
  binary: string,
  ready: Probe = waitUntil.accepting,
): Promise<Program> {
  const [page, grpc, http, api] = await Promise.all([freePort(), freePort(), freePort(), freePort()])
  const config = `
${receivers({ grpc, http })}
processors:
  batch:
exporters:
  jaeger_storage_exporter: { trace_storage: memory }
extensions:
  jaeger_storage: { backends: { memory: { memory: { max_traces: 100000 } } } }
  jaeger_query:
    storage: { traces: memory }
    http: { endpoint: '127.0.0.1:${page}' }
    grpc: { endpoint: '127.0.0.1:${api}' }
service:
  extensions: [jaeger_storage, jaeger_query]
  telemetry: { metrics: { level: none }, logs: { level: error } }
  pipelines:
    traces: { receivers: [otlp], processors: [batch], exporters: [jaeger_storage_exporter] }
`
  const file = await written(folder, `${http}.yaml`, config)
  return start([binary, '--config', file], { page, grpc, http }, ready)
}

async function written(folder: string, name: string, text: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  const file = join(folder, name)
  await writeFile(file, text)
  return file
}

async function start(
  [command = '', ...args]: readonly string[],
  ports: { readonly page?: number; readonly grpc: number; readonly http: number },
  ready: Probe,
): Promise<Program> {
  const [grpc, http] = [`127.0.0.1:${ports.grpc}`, `127.0.0.1:${ports.http}`]
  const page = ports.page === undefined ? '' : `http://127.0.0.1:${ports.page}`
  const started = performance.now()
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const printed = textOf(child)
  const name = args.find((arg) => arg === SPOOR) ?? command
  const tracked = track(child, name)
  const over = new AbortController()
  child.once('exit', () => over.abort())
  const timer = setTimeout(() => over.abort(), READY_MS)
  try {
    await ready({ grpc, http, page }, over.signal)
  } catch (error) {
    await tracked.stop()
    throw new Error(`${name} was not ready within ${READY_MS / 1000} s, or ended; it printed: ${printed()}`, {
      cause: error,
    })
  } finally {
    clearTimeout(timer)
  }
  return { ...tracked, grpc, http, page, readyMs: performance.now() - started }
}

/** The end of what a process prints; it is read all the time, so that the process is never held up by it. */
function textOf({ stdout, stderr }: ChildProcess): () => string {
  let text = ''
  for (const stream of [stdout, stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => (text = (text + chunk).slice(-4_000)))
  }
  return () => text
}
