import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** The workspace's root and its own Node 24. */
export const root = join(import.meta.dirname, '..', '..')
export const node = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')

/**
 * Below the ports that Linux gives to connections. Each file that runs beside another has a thousand of its own, and begins at a place in it that
 * goes by the run, as there may be more runs than one on a machine: nobody takes them in the meantime.
 */
let nextPort = 20_000 + 1000 * (Number(process.env['VITEST_POOL_ID'] ?? 0) % 10) + 50 * (process.ppid % 19)

/** As many free loopback ports as asked for. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = []
  while (ports.length < count) {
    const port = nextPort++
    if (await isFree(port)) ports.push(port)
  }
  return ports
}

function isFree(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** Longer than any program here takes to stop. */
const STOP_MS = 90_000

/** A child process with everything that it printed, for messages when something fails. */
export interface Program {
  readonly child: ChildProcess
  readonly output: () => string
  /** Sends the signal and resolves with the exit code (null when a signal ended it). */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

export function runProgram(args: readonly string[], env: Record<string, string> = {}): Program {
  const child = spawn(node, args, { cwd: root, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.on('data', (data: Buffer) => (output += data.toString()))
  child.stderr.on('data', (data: Buffer) => (output += data.toString()))
  return {
    child,
    output: () => output,
    async stop(signal = 'SIGTERM') {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill(signal)
        const late = AbortSignal.timeout(STOP_MS)
        await once(child, 'exit', { signal: late }).catch((error: unknown) => {
          if (!late.aborted) throw error
          child.kill('SIGKILL')
          throw new Error(`still running ${STOP_MS / 1000} s after ${signal}\n${output}`)
        })
      }
      return child.exitCode
    },
  }
}

/** Asks until the answer is something, for at most `timeoutMs`, of which one question may take all. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  timeoutMs = 15_000,
  more: () => string = () => '',
): Promise<T> {
  const over = new AbortController()
  const late = sleep(timeoutMs, undefined, { signal: over.signal }).then(() => {
    throw new Error(`${what}: not within ${timeoutMs} ms\n${more()}`)
  })
  try {
    for (;;) {
      const answer = await Promise.race([ask(), late])
      if (answer !== undefined) return answer
      await Promise.race([sleep(50), late])
    }
  } finally {
    over.abort()
    late.catch(() => {})
  }
}

export async function getJson<T>(url: string): Promise<T> {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`)
  return (await response.json()) as T
}

export interface RunningSpoor extends Program {
  readonly page: string
  readonly http: string
  readonly grpc: string
  readonly data: string
  remove(): Promise<void>
}

/** The built `spoor`. */
export const spoorMain = join(root, 'packages', 'server', 'bin', 'spoor.js')

/** The built `spoor` (or the program given) on free ports with a data directory of its own (or the one given). */
export async function startSpoor(data?: string, main = spoorMain): Promise<RunningSpoor> {
  const directory = data ?? (await mkdtemp(join(tmpdir(), 'spoor-e2e-')))
  const [page, grpc, http] = await freePorts(3)
  const ports = ['--page-port', `${page}`, '--otlp-grpc-port', `${grpc}`, '--otlp-http-port', `${http}`]
  const program = runProgram([main, '--data', directory, ...ports])
  const url = `http://127.0.0.1:${page}`
  await eventually(
    'spoor answers',
    async () => {
      if (program.child.exitCode !== null)
        throw new Error(`spoor ended with ${program.child.exitCode}\n${program.output()}`)
      return (await fetch(`${url}/ready`).catch(() => undefined))?.ok || undefined
    },
    60_000,
    program.output,
  ).catch(async (error: unknown) => {
    await program.stop('SIGKILL')
    if (data === undefined) await rm(directory, { recursive: true, force: true })
    throw error
  })
  return {
    ...program,
    page: url,
    http: `http://127.0.0.1:${http}`,
    grpc: `127.0.0.1:${grpc}`,
    data: directory,
    async remove() {
      await program.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** The flags that put the world of the example on twelve ports of its own, with its traces and logs in `state`. */
export function worldFlags(ports: readonly number[], state: string): { flags: string[]; page: string } {
  const names = [
    'page',
    'otlp-grpc',
    'otlp-http',
    'collector-grpc',
    'collector-http',
    'preprocessing',
    'ensemble',
    'inference-1',
    'inference-2',
    'control',
    'queue',
    'consumer',
  ]
  return {
    flags: ['--state', state, ...names.flatMap((name, index) => [`--${name}-port`, String(ports[index])])],
    page: `http://127.0.0.1:${ports[0]}`,
  }
}
