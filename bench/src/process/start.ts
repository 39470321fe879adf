import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Command, Reply } from './child.ts'
import { track, type Running } from './running.ts'

/** A process of the bench's own modules: the load generator, the sink, a rival. */
export interface Child<R> extends Running {
  /** What it said when it was ready. */
  readonly ready: R
  /** Runs one of its commands. Rejects with the child's error, or when the child ends. */
  call<T>(name: string, argument?: unknown): Promise<T>
}

/** How long a process may take until it is ready, in milliseconds. */
export const READY_MS = 60_000

/**
 * Starts a module of this folder in a process of its own and resolves when it is ready.
 *
 * @param module path relative to `bench/src`
 */
export async function startChild<R>(module: string, args: readonly string[] = []): Promise<Child<R>> {
  const child = fork(fileURLToPath(new URL(`../${module}`, import.meta.url)), [...args], {
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const tracked = track(child, module)
  const pending = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>()
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

  return {
    ...tracked,
    ready,
    call: (name, argument) =>
      new Promise((resolve, reject) => {
        if (!child.connected) reject(new Error(`${module} has ended`))
        const id = commands++
        pending.set(id, { resolve, reject })
        child.send({ id, name, argument } satisfies Command)
      }),
  }
}
