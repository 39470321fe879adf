import type { Worker } from 'node:worker_threads'
import { StorageError } from '@spoor/storage'
import { RequestError } from '../api/params.ts'
import type { QueryCall } from '../http/query-call.ts'
import { ownBytes, SpareThread } from '../thread/spare-thread.ts'
import type { FromReportWorker, ReportKind, ToReportWorker } from './protocol.ts'
import { makeReport } from './report.ts'

/** Traces up to this size are worked on here: some milliseconds, less than a thread takes to start. Bytes. */
const SMALL_BYTES = 128 * 1024
/** A trace has to be held whole to be reported on. Bytes. */
const MAX_BYTES = 64 * 1024 * 1024
/** Milliseconds. */
const IDLE_MS = 10_000
/** More than a trace of {@link MAX_BYTES} needs. */
const HEAP_MB = 512

/**
 * Makes what takes long to make of a whole trace, away from the thread that spans come in by: in one worker thread, one trace at a time. The
 * thread is started when it is needed, ended when it is idle, and replaced when it dies or what it does is not wanted any more.
 */
export class Reports {
  readonly #maxBytes: number
  readonly #thread = new SpareThread({
    url: new URL(`./report-worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url),
    name: 'spoor-report',
    heapMb: HEAP_MB,
    idleMs: IDLE_MS,
  })
  #turn: Promise<void> = Promise.resolve()
  #closed = false

  /** `maxBytes`: the largest trace, default 64 MiB. */
  constructor(maxBytes = MAX_BYTES) {
    this.#maxBytes = maxBytes
  }

  /**
   * What is wanted of the trace in the chunks, as JSON text; undefined when there is no chunk. Rejects with RequestError `too_large` (422),
   * StorageError `timeout` or `cancelled`, and with what reading the chunks rejects with.
   */
  async make(
    kind: ReportKind,
    traceId: string,
    chunks: AsyncIterable<Uint8Array>,
    call: QueryCall,
  ): Promise<Buffer | undefined> {
    const source = this.#checked(chunks, call)
    const limit = limitOf(call)
    try {
      const held: Uint8Array[] = []
      let bytes = 0
      for (let next = await source.next(); !next.done; next = await source.next()) {
        held.push(next.value)
        bytes += next.value.length
        if (bytes > SMALL_BYTES)
          return await this.#inTurn(limit.over, () => this.#ask(kind, traceId, held, source, limit.over))
      }
      return held.length === 0 ? undefined : Buffer.from(makeReport(kind, held, traceId))
    } finally {
      limit.end()
      await source.return(undefined)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#thread.end()
  }

  /** The chunks, as long as they are not too much. */
  async *#checked(chunks: AsyncIterable<Uint8Array>, call: QueryCall): AsyncGenerator<Uint8Array> {
    let bytes = 0
    for await (const chunk of chunks) {
      bytes += chunk.length
      if (bytes > this.#maxBytes) {
        const message = `the trace has more than ${Math.round(this.#maxBytes / 1e6)} MB, too much to be reported on as a whole; read the trace itself`
        throw new RequestError(422, 'too_large', message)
      }
      if (!call.room.grow(chunk.length)) {
        throw new RequestError(503, 'busy', 'there is no room now to hold the whole trace; try again')
      }
      yield chunk
    }
  }

  /** One at a time, first come first served. */
  async #inTurn<T>(over: Promise<never>, work: () => Promise<T>): Promise<T> {
    const before = this.#turn
    const mine = Promise.withResolvers<void>()
    this.#turn = mine.promise
    try {
      await Promise.race([before, over])
      return await work()
    } finally {
      // Whoever comes next waits for those before, also where this one has given up.
      void before.then(mine.resolve)
    }
  }

  /** Hands each chunk over as it is read: copying all of a large trace at once would stop this thread. */
  async #ask(
    kind: ReportKind,
    traceId: string,
    held: readonly Uint8Array[],
    rest: AsyncGenerator<Uint8Array>,
    over: Promise<never>,
  ): Promise<Buffer> {
    if (this.#closed) throw new StorageError('closed', 'Spoor is stopping')
    const worker = this.#thread.start()
    try {
      const answered = answerOf(worker)
      for (const chunk of held) handOver(worker, chunk)
      for (let next = await rest.next(); !next.done; next = await rest.next()) handOver(worker, next.value)
      worker.postMessage({ type: 'make', kind, traceId } satisfies ToReportWorker, [])
      const answer = await Promise.race([answered, over])
      if ('error' in answer) throw new Error(answer.error)
      return Buffer.from(answer.body.buffer, answer.body.byteOffset, answer.body.byteLength)
    } catch (error) {
      // It may still be at work on what nobody waits for any more.
      await this.#thread.end()
      throw error
    } finally {
      this.#thread.rest()
    }
  }
}

function handOver(worker: Worker, chunk: Uint8Array): void {
  const bytes = ownBytes(chunk)
  worker.postMessage({ type: 'chunk', bytes } satisfies ToReportWorker, [bytes.buffer as ArrayBuffer])
}

/** The worker's next message; rejects when it ends without one. */
function answerOf(worker: Worker): Promise<FromReportWorker> {
  const answer = new Promise<FromReportWorker>((resolve, reject) => {
    const off = (): void => {
      worker.off('message', onMessage)
      worker.off('error', onError)
      worker.off('exit', onExit)
    }
    const onMessage = (message: FromReportWorker): void => {
      off()
      resolve(message)
    }
    const onError = (cause: Error & { code?: string }): void => {
      off()
      const isMemory = cause.code === 'ERR_WORKER_OUT_OF_MEMORY'
      reject(
        isMemory ? new RequestError(422, 'too_large', 'the trace is too large to be reported on as a whole') : cause,
      )
    }
    const onExit = (code: number): void => {
      off()
      reject(new Error(`the thread that makes reports ended with ${code}`))
    }
    worker.on('message', onMessage)
    worker.on('error', onError)
    worker.on('exit', onExit)
  })
  // It is waited for only when all chunks are handed over.
  answer.catch(() => {})
  return answer
}

/** `over` rejects when the call's time is over or its client has left. */
function limitOf({ signal, timeoutMs }: QueryCall): { over: Promise<never>; end: () => void } {
  let timer: NodeJS.Timeout | undefined
  let onAbort = (): void => {}
  const over = new Promise<never>((_, reject) => {
    onAbort = () => reject(new StorageError('cancelled', 'the report was given up: the client has left'))
    timer = setTimeout(
      () => reject(new StorageError('timeout', `the report took longer than ${Math.round(timeoutMs)} ms`)),
      timeoutMs,
    )
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })
  over.catch(() => {})
  return {
    over,
    end() {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    },
  }
}
