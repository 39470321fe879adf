/** An ONNX model in its worker thread, as a function from pixels to probabilities. */
import { Worker } from 'node:worker_threads'
import type { ModelInfo, WorkerReply, WorkerRequest } from './protocol.ts'

/** What a run gives. */
interface RunOutput {
  /** One a class, 0..1. */
  readonly probabilities: Float32Array
  /** Time in the session, ms; the rest of the caller's time is the way to the thread and back. */
  readonly runMs: number
}

/** A loaded model. */
export interface ModelSession extends ModelInfo {
  /** Classifies raw RGB of `side * side` pixels, one image after the other. Rejects when the session fails or is closed. */
  run(pixels: Uint8Array): Promise<RunOutput>
  /** Ends the thread. Runs under way are rejected. */
  close(): Promise<void>
}

type Ready = Extract<WorkerReply, { kind: 'ready' }>

interface Waiting {
  readonly resolve: (output: RunOutput) => void
  readonly reject: (error: Error) => void
}

/** Loads an ONNX file. @throws When it cannot be read or does not keep to the contract of the example's models. */
export async function openModelSession(file: string): Promise<ModelSession> {
  const script = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url)
  const worker = new Worker(script, { workerData: { file } })
  const waiting = new Map<number, Waiting>()
  let nextId = 0
  let ended: Error | undefined
  const end = (error: Error): void => {
    ended ??= error
    for (const { reject } of waiting.values()) reject(ended)
    waiting.clear()
  }
  const { info, pixels: shared } = await new Promise<Ready>((resolve, reject) => {
    worker.on('message', (reply: WorkerReply) => {
      if (reply.kind === 'ready') {
        resolve(reply)
        return
      }
      const caller = waiting.get(reply.id)
      waiting.delete(reply.id)
      if (reply.kind === 'done') caller?.resolve(reply)
      else caller?.reject(new Error(`the model failed: ${reply.message}`))
    })
    worker.on('error', (error: Error) => {
      end(error)
      reject(error)
    })
    worker.on('exit', () => {
      end(new Error('the inference thread has ended'))
      reject(new Error(`${file}: the inference thread ended while it loaded the model`))
    })
  })
  const image = new Uint8Array(shared)
  const ask = (pixels: Uint8Array): Promise<RunOutput> =>
    new Promise((resolve, reject) => {
      if (ended) {
        reject(ended)
        return
      }
      if (pixels.length !== image.length) {
        reject(new Error(`an image of ${pixels.length} bytes, for a model that takes ${image.length}`))
        return
      }
      image.set(pixels)
      const request: WorkerRequest = { id: nextId++ }
      waiting.set(request.id, { resolve, reject })
      // A worker thread has no origin.
      // oxlint-disable-next-line unicorn/require-post-message-target-origin
      worker.postMessage(request)
    })
  // There is one place for an image.
  let last: Promise<unknown> = Promise.resolve()
  return {
    ...info,
    run: (pixels) => {
      const run = last.then(() => ask(pixels))
      last = run.catch(() => undefined)
      return run
    },
    close: async () => {
      await worker.terminate()
    },
  }
}
