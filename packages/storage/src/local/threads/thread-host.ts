import { MessageChannel, type Worker } from 'node:worker_threads'
import { nodeFileSystem } from '../files/file-system.ts'
import { lockDirectory } from '../files/lock.ts'
import type { LocalStoreSettings } from '../options.ts'
import { systemClock, type EnginePart, type Host, type Port, type RunningPart } from '../runtime.ts'
import { LIMITS, takeThread } from './early.ts'

/** The program's: parts are worker threads, files and time are the machine's. */
export const threadHost: Host = {
  clock: systemClock,
  files: nodeFileSystem,
  lock: lockDirectory,
  channel() {
    const { port1, port2 } = new MessageChannel()
    return [port1, port2]
  },
  start: startThread,
}

function startThread<In, Out>(part: EnginePart, settings: LocalStoreSettings): RunningPart<In, Out> {
  const worker = takeThread(part)
  worker.postMessage(settings, [])
  return runningPart(part, worker)
}

/** A thread as a part of the engine. */
export function runningPart<In, Out>(part: EnginePart, worker: Worker): RunningPart<In, Out> {
  let reason: string | undefined
  // An error is always followed by the exit.
  worker.on('error', (error) => (reason ??= reasonOf(part, error)))
  const ended = new Promise<string>((resolve) =>
    worker.on('exit', (code) => resolve(reason ?? `the thread of the ${part.replace('_', ' ')} ended with ${code}`)),
  )
  const port: Port<In, Out> = {
    post: (message, transfer = []) => worker.postMessage(message, transfer as never),
    onMessage: (handle) => void worker.on('message', handle),
    receive: () => undefined,
    close() {},
  }
  return {
    port,
    ended,
    terminate() {
      void worker.terminate()
    },
  }
}

function reasonOf(part: EnginePart, error: unknown): string {
  const what = `the thread of the ${part.replace('_', ' ')}`
  if ((error as { code?: unknown } | undefined)?.code === 'ERR_WORKER_OUT_OF_MEMORY')
    return `${what} took more than ${LIMITS[part].maxOldGenerationSizeMb} MiB of memory`
  return `${what} ended: ${error instanceof Error ? (error.stack ?? error.message).split('\n').slice(0, 2).join(' ') : String(error)}`
}
