import { MessageChannel, Worker } from 'node:worker_threads'
import { nodeFileSystem } from '../files/file-system.ts'
import { lockDirectory } from '../files/lock.ts'
import type { LocalStoreSettings } from '../options.ts'
import { systemClock, type EnginePart, type Host, type Port, type RunningPart } from '../runtime.ts'
import type { PartStart } from './protocol.ts'

/**
 * Mebibytes of a thread's JavaScript heap, so that a question which takes too much ends its own thread and not the process: such a thread
 * ends with ERR_WORKER_OUT_OF_MEMORY and is replaced. What is kept in typed arrays is outside of it.
 *
 * The threads make buffers and hardly an object. A small young generation is collected often, which gives their buffers back soon: 110 MB
 * less in the writer at full speed, 120 MB less in a reader during searches, for a few per cent of its CPU time.
 */
const LIMITS = {
  writer: { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 4 },
  lookup_reader: { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 8 },
  search_reader: { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 8 },
  sealer: { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 4 },
} as const satisfies Record<EnginePart, object>

/** What each thread runs. */
const FILES: Readonly<Record<EnginePart, string>> = {
  writer: 'writer',
  lookup_reader: 'reader',
  search_reader: 'reader',
  sealer: 'sealer',
}

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
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const worker = new Worker(new URL(`./${FILES[part]}.${extension}`, import.meta.url), {
    workerData: { part, settings } satisfies PartStart,
    name: `spoor-${part.replace('_', '-')}`,
    resourceLimits: LIMITS[part],
  })
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
