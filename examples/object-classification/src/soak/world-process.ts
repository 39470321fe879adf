/** A world of the soak's own, as a process. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Classification } from '../client/send.ts'
import { takenPorts } from '../world/ports.ts'
import type { Sent } from './judge.ts'

/** How the world is started. */
export interface WorldOptions {
  readonly models: string
  readonly rate: number
  /** The file of sites and links; undefined for none. */
  readonly world: string | undefined
  readonly state: string
  /** What it writes besides photographs. */
  readonly onLine: (line: string) => void
}

/** A world that runs. */
export interface WorldProcess {
  /** Where it is controlled. */
  readonly control: string
  /** All that its client has told of, after the first photographs. */
  readonly sent: readonly Sent[]
  /** Resolves when it sends on and on. @throws When it ends before. */
  readonly ready: Promise<void>
  /** False once it has ended. */
  readonly running: () => boolean
  stop(): Promise<void>
}

/** Below the ports that Linux gives to connections; collectors have two each. */
const FIRST_PORT = 20_000
const STEP = 50
const FLAGS = ['page', 'otlp-grpc', 'otlp-http', 'control', 'preprocessing', 'ensemble', 'inference-1', 'queue']
const MORE_FLAGS = ['consumer', 'inference-2']
/** What it says when the first photographs are through. */
const READY = 'Goes on with'

/** Starts one on free ports. */
export async function startWorldProcess({ models, rate, world, state, onLine }: WorldOptions): Promise<WorldProcess> {
  const base = await freeBase()
  const names = [...FLAGS, ...MORE_FLAGS]
  const ports = names.flatMap((name, index) => [`--${name}-port`, String(portOf(base, index))])
  ports.push('--collector-grpc-port', String(base + 30), '--collector-http-port', String(base + 31))
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const script = fileURLToPath(new URL(`../world.${extension}`, import.meta.url))
  const more = world === undefined ? [] : ['--world', world]
  const flags = ['--json', '--models', models, '--rate', String(rate), '--state', state, ...more, ...ports]
  // The channel is its leash: it ends when this process does.
  const child = spawn(process.execPath, [script, ...flags], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    detached: process.platform !== 'win32',
  })
  const sent: Sent[] = []
  let running = true
  const ready = new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => {
      running = false
      reject(new Error(`the world has ended (${code})`))
    })
    if (child.stdout)
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (line.startsWith('{')) sent.push(readLine(line))
        else {
          if (line.includes(READY)) resolve()
          onLine(line)
        }
      })
  })
  ready.catch(() => undefined)
  return {
    control: `http://127.0.0.1:${portOf(base, FLAGS.indexOf('control'))}`,
    sent,
    ready,
    running: () => running,
    stop: async () => {
      if (!running) return
      const over = once(child, 'exit')
      child.kill('SIGINT')
      await over
    },
  }
}

/** It was sent as long ago as it took. */
function readLine(line: string): Sent {
  const { traceId, elapsedMs, result, error: reason } = JSON.parse(line) as Classification
  const to = Date.now()
  const sent = { traceId, from: to - elapsedMs, to, failed: result === undefined }
  return reason === undefined ? sent : { ...sent, reason }
}

function portOf(base: number, index: number): number {
  return base + index
}

/** The first of as many ports as a world may need. @throws When there are none. */
async function freeBase(): Promise<number> {
  for (let base = FIRST_PORT; base < 30_000; base += STEP) {
    const wanted = Array.from({ length: STEP }, (_, index) => ({ use: '', port: base + index, flag: '' }))
    if ((await takenPorts(wanted)).length === 0) return base
  }
  throw new Error(`there are no ${STEP} free ports beside each other of ${FIRST_PORT} to 30000`)
}
