import { Worker } from 'node:worker_threads'

export interface SpareThreadOptions {
  /** Its module, `.ts` or `.js` as the module that names it. */
  readonly url: URL
  readonly name: string
  /** Mebibytes of its JavaScript heap. */
  readonly heapMb: number
  /** When nobody has needed it for so long it is ended, and its memory with it. Milliseconds. */
  readonly idleMs: number
}

/** A thread for what is seldom done: started when it is needed, ended when it is idle, and replaced when it has died or was ended in the midst of its work. */
export class SpareThread {
  readonly #options: SpareThreadOptions
  #worker: Worker | undefined
  #idle: NodeJS.Timeout | undefined

  constructor(options: SpareThreadOptions) {
    this.#options = options
  }

  /** The one that there is, or a new one; it is not idle until {@link rest}. */
  start(): Worker {
    clearTimeout(this.#idle)
    if (this.#worker) return this.#worker
    const { url, name, heapMb } = this.#options
    const worker = new Worker(url, { name, resourceLimits: { maxOldGenerationSizeMb: heapMb } })
    worker.on('error', () => {})
    worker.once('exit', () => {
      if (this.#worker === worker) this.#worker = undefined
    })
    return (this.#worker = worker)
  }

  /** It has nothing to do for now. */
  rest(): void {
    this.#idle = setTimeout(() => void this.end(), this.#options.idleMs).unref()
  }

  /** Whatever it does. */
  async end(): Promise<void> {
    clearTimeout(this.#idle)
    const worker = this.#worker
    this.#worker = undefined
    await worker?.terminate()
  }
}

/** Bytes that may be moved to a thread: a view of a buffer that others may see too is copied. */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice()
}
