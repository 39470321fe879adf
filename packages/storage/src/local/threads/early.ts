import { Worker } from 'node:worker_threads'
import type { EnginePart } from '../runtime.ts'

/*
 * The start of a thread takes as long as loading the program does, and can go on beside it: what is needed at once may be started before anything else is
 * loaded, and is told its settings when they are known. This module imports nothing that is not needed for that.
 */

/**
 * Mebibytes of a thread's JavaScript heap, so that a question which takes too much ends its own thread and not the process: such a thread
 * ends with ERR_WORKER_OUT_OF_MEMORY and is replaced. What is kept in typed arrays is outside of it.
 *
 * The threads make buffers and hardly an object. A small young generation is collected often, which gives their buffers back soon: 110 MB
 * less in the writer at full speed, 120 MB less in a reader during searches, for a few per cent of its CPU time.
 */
export const LIMITS = {
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

/** What every store needs as soon as it is opened. */
const AT_ONCE = ['writer', 'lookup_reader'] as const

const waiting = new Map<EnginePart, Worker>()

/** Starts what a store of this process, which is opened soon, will need. Without one, {@link endEarlyThreads} is to be called. */
export function startThreadsEarly(): readonly Worker[] {
  return AT_ONCE.map((part) => {
    const worker = createThread(part)
    // A thread that fails before it was asked for leaves it to its successor to say why.
    worker.once('error', () => {})
    worker.once('exit', () => waiting.get(part) === worker && waiting.delete(part))
    worker.unref()
    waiting.set(part, worker)
    return worker
  })
}

/** Those that nobody has taken. */
export function endEarlyThreads(): void {
  for (const worker of waiting.values()) void worker.terminate()
  waiting.clear()
}

/** A thread of the engine, to which its settings are to be posted. */
export function takeThread(part: EnginePart): Worker {
  const worker = waiting.get(part)
  waiting.delete(part)
  worker?.ref()
  return worker ?? createThread(part)
}

function createThread(part: EnginePart): Worker {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return new Worker(new URL(`./${FILES[part]}.${extension}`, import.meta.url), {
    workerData: { part },
    name: `spoor-${part.replace('_', '-')}`,
    resourceLimits: LIMITS[part],
  })
}
