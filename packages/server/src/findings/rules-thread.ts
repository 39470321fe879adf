import { Worker } from 'node:worker_threads'
import type { Finding } from '@spoor/trace'
import type { FromFindingsWorker, ToFindingsWorker } from './protocol.ts'

/** A thread that nobody has needed for so long is ended, and its memory with it. Milliseconds. */
const IDLE_MS = 60_000
/** More than the traces of a look need. */
const HEAP_MB = 256

/**
 * The rules over traces, away from the thread that spans come in by. The thread is started with the first look, ended when it is idle, and replaced when
 * it has died or a look was given up. One look at a time: whoever calls sees to it.
 */
export class RulesThread {
  #worker: Worker | undefined
  #idle: NodeJS.Timeout | undefined
  /** Seconds of CPU that looks have cost it. */
  cpuSeconds = 0

  /** What traces show together. Rejects with what reading them rejects with, when the thread dies, and when the signal aborts. */
  async look(traces: AsyncIterable<SampledTrace>, signal: AbortSignal): Promise<readonly Finding[]> {
    let answered: Promise<FromFindingsWorker> | undefined
    let isDone = false
    try {
      for await (const { traceId, chunks } of traces) {
        const worker = this.#start()
        answered ??= answerOf(worker, signal)
        const own = chunks.map(ownBytes)
        const buffers = own.map((bytes) => bytes.buffer as ArrayBuffer)
        worker.postMessage({ type: 'trace', traceId, chunks: own } satisfies ToFindingsWorker, buffers)
      }
      if (!answered) return []
      this.#worker?.postMessage({ type: 'found', nowMs: Date.now() } satisfies ToFindingsWorker, [])
      const answer = await answered
      isDone = true
      if ('error' in answer) throw new Error(answer.error)
      this.cpuSeconds += answer.cpuMs / 1_000
      return answer.findings
    } finally {
      // It has half of a look, or is still at work on what nobody waits for any more.
      if (isDone) this.#rest()
      else if (answered) await this.close()
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle)
    const worker = this.#worker
    this.#worker = undefined
    await worker?.terminate()
  }

  #start(): Worker {
    clearTimeout(this.#idle)
    if (this.#worker) return this.#worker
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const worker = new Worker(new URL(`./findings-worker.${extension}`, import.meta.url), {
      name: 'spoor-findings',
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
    })
    worker.on('error', () => {})
    worker.once('exit', () => {
      if (this.#worker === worker) this.#worker = undefined
    })
    return (this.#worker = worker)
  }

  #rest(): void {
    this.#idle = setTimeout(() => void this.close(), IDLE_MS).unref()
  }
}

export interface SampledTrace {
  readonly traceId: string
  readonly chunks: readonly Uint8Array[]
}

/** A view of a buffer that others may see too is copied; a buffer of its own moves. */
function ownBytes(chunk: Uint8Array): Uint8Array {
  return chunk.byteLength === chunk.buffer.byteLength ? chunk : chunk.slice()
}

/** The worker's next message; rejects when it ends without one, or is not waited for any more. */
function answerOf(worker: Worker, signal: AbortSignal): Promise<FromFindingsWorker> {
  const { promise, resolve, reject } = Promise.withResolvers<FromFindingsWorker>()
  const onExit = (code: number): void => reject(new Error(`the thread that looks for findings ended with ${code}`))
  const onAbort = (): void => reject(signal.reason as Error)
  worker.once('message', resolve).once('error', reject).once('exit', onExit)
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
  const off = (): void => {
    worker.off('message', resolve).off('error', reject).off('exit', onExit)
    signal.removeEventListener('abort', onAbort)
  }
  // It is waited for only when all traces are handed over.
  void promise.then(off, off)
  return promise
}
