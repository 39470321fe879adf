import type { Worker } from 'node:worker_threads'
import type { Finding } from '@spoor/trace'
import { ownBytes, SpareThread } from '../thread/spare-thread.ts'
import type { FromFindingsWorker, ToFindingsWorker } from './protocol.ts'

/** Milliseconds. */
const IDLE_MS = 60_000
/** More than the traces of a look need. */
const HEAP_MB = 256

/**
 * The rules over traces, away from the thread that spans come in by. The thread is started with the first look, ended when it is idle, and replaced when
 * it has died or a look was given up. One look at a time: whoever calls sees to it.
 */
export class RulesThread {
  readonly #thread = new SpareThread({
    url: new URL(`./findings-worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url),
    name: 'spoor-findings',
    heapMb: HEAP_MB,
    idleMs: IDLE_MS,
  })
  /** Seconds of CPU that looks have cost it. */
  cpuSeconds = 0

  /** What traces show together. Rejects with what reading them rejects with, when the thread dies, and when the signal aborts. */
  async look(traces: AsyncIterable<SampledTrace>, signal: AbortSignal): Promise<readonly Finding[]> {
    let worker: Worker | undefined
    let answered: Promise<FromFindingsWorker> | undefined
    let isDone = false
    try {
      for await (const { traceId, chunks } of traces) {
        worker = this.#thread.start()
        answered ??= answerOf(worker, signal)
        const own = chunks.map(ownBytes)
        const buffers = own.map((bytes) => bytes.buffer as ArrayBuffer)
        worker.postMessage({ type: 'trace', traceId, chunks: own } satisfies ToFindingsWorker, buffers)
      }
      if (!answered) return []
      worker?.postMessage({ type: 'found', nowMs: Date.now() } satisfies ToFindingsWorker, [])
      const answer = await answered
      isDone = true
      if ('error' in answer) throw new Error(answer.error)
      this.cpuSeconds += answer.cpuMs / 1_000
      return answer.findings
    } finally {
      // It has half of a look, or is still at work on what nobody waits for any more.
      if (isDone) this.#thread.rest()
      else if (answered) await this.close()
    }
  }

  close(): Promise<void> {
    return this.#thread.end()
  }
}

export interface SampledTrace {
  readonly traceId: string
  readonly chunks: readonly Uint8Array[]
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
