/** What a worker is sent, with a port for its answers. */
export interface WorkerRequest<Request> {
  readonly request: Request
  /** Name of a lock that the worker holds as long as it lives. */
  readonly lifeLock: string
}

/** What a worker says on the port that came with its request. */
export type WorkerAnswer<Reply> =
  | { readonly kind: 'reply'; readonly reply: Reply }
  | { readonly kind: 'threw'; readonly message: string }
  | { readonly kind: 'alive' }
  /** It holds the lock of its life. */
  | { readonly kind: 'locked' }

/**
 * - `not_loaded`: its code did not come, or does not run;
 * - `threw`: it came upon an error;
 * - `died`: the browser ended it;
 * - `silent`: it said nothing for too long.
 */
export type WorkerFailureCode = 'not_loaded' | 'threw' | 'died' | 'silent'

/** Why a worker gave no reply, in words for the person at the page. */
export class WorkerFailure extends Error {
  override readonly name = 'WorkerFailure'
  readonly code: WorkerFailureCode

  constructor(code: WorkerFailureCode, message: string) {
    super(message)
    this.code = code
  }
}

export interface Asking {
  /** What the worker does, to follow "The part of the page that": `lays out graphs`. */
  readonly task: string
  /** An abort ends the worker, and rejects with the signal's reason. */
  readonly signal: AbortSignal
  /** A worker that says nothing for so long is given up. Milliseconds, default 60,000: what the page works out takes seconds. */
  readonly maxSilenceMs?: number
}

const defaultMaxSilenceMs = 60_000

/**
 * Starts a worker that answers with `answer` (worker/answer.ts), asks it one thing, ends it and resolves with its reply. Rejects with {@link WorkerFailure}
 * in every case in which no reply can come any more. A worker that ends, or is ended by the browser, fires no event; but a lock that it held is free then.
 * Where there are no locks (pages over plain HTTP from another machine), and while its code is on its way, only its silence is noticed.
 */
export function ask<Reply>(start: () => Worker, request: unknown, asking: Asking): Promise<Reply> {
  const { task, signal, maxSilenceMs = defaultMaxSilenceMs } = asking
  const subject = `The part of the page that ${task}`
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error)
      return
    }
    const worker = start()
    const { port1: port, port2 } = new MessageChannel()
    const settled = new AbortController()
    let silence: ReturnType<typeof setTimeout> | undefined
    const finish = (settle: () => void) => {
      clearTimeout(silence)
      signal.removeEventListener('abort', abort)
      settled.abort()
      port.close()
      worker.terminate()
      settle()
    }
    const fail = (code: WorkerFailureCode, message: string) => finish(() => reject(new WorkerFailure(code, message)))
    const abort = () => finish(() => reject(signal.reason as Error))
    const listen = () => {
      clearTimeout(silence)
      silence = setTimeout(() => {
        fail('silent', `${subject} has not answered for ${Math.round(maxSilenceMs / 1000)} s, and was stopped.`)
      }, maxSilenceMs)
    }
    const lifeLock = `worker ${Date.now()} ${Math.random()}`
    const waitForEnd = () => {
      navigator.locks
        .request(lifeLock, { signal: settled.signal }, () =>
          fail('died', `${subject} was ended by the browser, most likely for want of memory.`),
        )
        // It is no longer waited for.
        .catch(() => {})
    }
    signal.addEventListener('abort', abort)
    worker.addEventListener('error', (event) => {
      event.preventDefault()
      if (event.message) fail('threw', `${subject} came upon an error: ${event.message}`)
      else fail('not_loaded', `${subject} could not be loaded. Is Spoor still running at ${location.origin}?`)
    })
    port.addEventListener('messageerror', () => fail('threw', `${subject} gave an answer that this page cannot read.`))
    port.addEventListener('message', ({ data }: MessageEvent<WorkerAnswer<Reply>>) => {
      if (data.kind === 'alive') listen()
      else if (data.kind === 'locked') waitForEnd()
      else if (data.kind === 'reply') finish(() => resolve(data.reply))
      else fail('threw', `${subject} came upon an error: ${data.message}`)
    })
    port.start()
    listen()
    const message: WorkerRequest<unknown> = { request, lifeLock }
    worker.postMessage(message, [port2])
  })
}
