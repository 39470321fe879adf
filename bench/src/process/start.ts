import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Command, Reply } from './child.ts'

/** A process of the bench: the load generator, the sink, a candidate or a rival. */
export interface Child<R> {
  readonly pid: number
  /** What it said when it was ready. */
  readonly ready: R
  /** Runs one of its commands. Rejects with the child's error, or when the child ends. */
  call<T>(name: string, argument?: unknown): Promise<T>
  /** Asks it to end (SIGTERM), and makes it (SIGKILL) when it has not within ten seconds. */
  stop(): Promise<void>
}

/** How long a process may take until it is ready, in milliseconds. */
const READY_MS = 60_000
const STOP_MS = 10_000

/**
 * Starts a module of this folder in a process of its own and resolves when it is ready.
 *
 * @param module path relative to `bench/src`
 */
export async function startChild<R>(
  module: string,
  args: readonly string[] = [],
  execArgv: readonly string[] = [],
): Promise<Child<R>> {
  const child = fork(fileURLToPath(new URL(`../${module}`, import.meta.url)), [...args], {
    execArgv: [...process.execArgv, ...execArgv],
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const pending = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>()
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  let commands = 0

  const ready = await new Promise<R>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`${module} was not ready within ${READY_MS / 1000} s`))
    }, READY_MS)
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      clearTimeout(timer)
      reject(new Error(`${module} ended before it was ready (${signal ?? `code ${code}`}); its output is above`))
    })
    child.once('message', (message) => {
      clearTimeout(timer)
      resolve(message as R)
    })
  })
  child.on('message', (reply: Reply) => {
    const waiting = pending.get(reply.id)
    pending.delete(reply.id)
    if ('error' in reply) waiting?.reject(new Error(`${module}: ${reply.error}`))
    else waiting?.resolve(reply.result as never)
  })
  child.once('exit', (code, signal) => {
    for (const { reject } of pending.values()) {
      reject(new Error(`${module} ended in the middle of its work (${signal ?? `code ${code}`}); its output is above`))
    }
  })

  if (child.pid === undefined) throw new Error(`${module} has no process id`)
  return {
    pid: child.pid,
    ready,
    call: (name, argument) =>
      new Promise((resolve, reject) => {
        if (child.exitCode !== null || child.signalCode !== null) reject(new Error(`${module} has ended`))
        const id = commands++
        pending.set(id, { resolve, reject })
        child.send({ id, name, argument } satisfies Command)
      }),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
      await ended
      clearTimeout(timer)
    },
  }
}
