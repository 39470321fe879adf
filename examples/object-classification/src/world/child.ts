/** A program of the world: started with its output in a log file, watched, and stopped in order. */
import { spawn } from 'node:child_process'
import { mkdir, open, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'

/** What to run. */
export interface Program {
  /** Its name, for people. */
  readonly name: string
  /** Arguments of Node: flags, script, the script's own. */
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** The file that takes its output, begun anew. */
  readonly log: string
  /** Answers with less than 500 when the program is ready. */
  readonly health?: string
  /** The network namespace that it runs in; default: that of this process. */
  readonly namespace?: string
  /** Takes minutes to start on a busy machine, and tens of seconds to stop. */
  readonly isSlow?: boolean
  /** Each line that it writes to its standard output, which then does not go to the log. */
  readonly onLine?: (line: string) => void
}

/** How a program ended. */
interface End {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A program that runs. */
export interface Child {
  readonly program: Program
  /** Of its process; undefined when it could not be started. */
  readonly pid: number | undefined
  /** Resolves when it has ended; never rejects. */
  readonly ended: Promise<End>
  readonly running: () => boolean
  /** Sends it a message; nothing happens when it has ended. */
  send(message: object): void
  /** SIGTERM, and SIGKILL when that does not end it within the deadline. Safe to call twice. */
  stop(): Promise<void>
}

/** Time for an orderly stop, ms. */
const STOP_DEADLINE_MS = 6000
const SLOW_STOP_DEADLINE_MS = 30_000
/** Time between two looks at a health address, ms. */
const HEALTH_INTERVAL_MS = 100

const LEASH = new URL(import.meta.url.endsWith('.ts') ? './leash.ts' : './leash.js', import.meta.url).href

/** Starts the program with this process's own Node. */
export async function startChild(program: Program): Promise<Child> {
  await mkdir(dirname(program.log), { recursive: true })
  const log = await open(program.log, 'w')
  // Output goes to the file itself, not through this process: a program that outlives it can still write.
  const { namespace } = program
  // `ip` becomes the program that it starts: same process, same channel.
  const [command, before] =
    namespace === undefined ? [process.execPath, []] : ['ip', ['netns', 'exec', namespace, process.execPath]]
  const child = spawn(command, [...before, '--import', LEASH, ...program.args], {
    env: { ...process.env, ...program.env },
    stdio: ['ignore', program.onLine ? 'pipe' : log.fd, log.fd, 'ipc'],
    // In a process group of its own: Ctrl-C reaches the world alone, which then stops all in order.
    detached: process.platform !== 'win32',
  })
  if (program.onLine && child.stdout) createInterface({ input: child.stdout }).on('line', program.onLine)
  let over = false
  const ended = new Promise<End>((resolve) => {
    const end = (result: End): void => {
      over = true
      resolve(result)
    }
    child.once('close', (code, signal) => end({ code, signal }))
    child.once('error', () => end({ code: null, signal: null }))
  })
  await log.close()
  return {
    program,
    pid: child.pid,
    ended,
    running: () => !over,
    // It may end in the same moment.
    send: (message) => void child.send(message, () => undefined),
    stop: async () => {
      if (over) return
      child.kill('SIGTERM')
      const deadline = new AbortController()
      const late = sleep(program.isSlow ? SLOW_STOP_DEADLINE_MS : STOP_DEADLINE_MS, true, {
        signal: deadline.signal,
      }).catch(() => false)
      if (await Promise.race([ended.then(() => false), late])) child.kill('SIGKILL')
      deadline.abort()
      await ended
    },
  }
}

/**
 * Waits until the program's health address answers, with anything but a server's error.
 *
 * @throws When it ends first or is not ready in time, with the last lines that it logged.
 */
export async function waitUntilHealthy(
  { program, running }: Child,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  if (program.health === undefined) return
  const deadline = Date.now() + timeoutMs
  while (running()) {
    signal.throwIfAborted()
    const response = await fetch(program.health, { signal: AbortSignal.timeout(1000) }).catch(() => undefined)
    await response?.body?.cancel()
    if (response && response.status < 500) return
    if (Date.now() > deadline)
      throw new Error(`${program.name} is not ready after ${timeoutMs / 1000} s\n${await lastLines(program)}`)
    await sleep(HEALTH_INTERVAL_MS)
  }
  throw new Error(`${program.name} ended before it was ready\n${await lastLines(program)}`)
}

/** The end of the program's log, indented, and where the rest is. */
export async function lastLines({ log }: Program, count = 8): Promise<string> {
  const text = await readFile(log, 'utf8').catch(() => '')
  const lines = text.trimEnd().split('\n').slice(-count)
  return [...lines.map((line) => `    ${line.slice(0, 300)}`), `    (all of it: ${log})`].join('\n')
}
