import { receiveMessageOnPort, type MessagePort, type Transferable } from 'node:worker_threads'

/*
 * Time and messages as the engine's parts see them. The program has the machine's; a simulation has its own, in which a seed draws the
 * order and delay of messages and time passes as fast as nothing happens.
 */

/** Milliseconds throughout. */
export interface Clock {
  /** Since 1970; may jump. */
  wallMs(): number
  /** From an arbitrary point; never goes back. */
  monotonicMs(): number
  /** Calls `run` once, after at least `ms`. The result calls it off. */
  after(ms: number, run: () => void): () => void
  /** Resolves when other work of the thread has had its turn. */
  turn(): Promise<void>
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
  turn: () => new Promise((resolve) => setImmediate(resolve)),
}

/** One end of a channel between two parts. Messages arrive in the order in which they were posted, each once. */
export interface Port<In, Out> {
  /** The message is copied, but for the buffers in `transfer`, which move. */
  post(message: Out, transfer?: readonly ArrayBuffer[]): void
  /** Called for each message that {@link receive} has not taken. */
  onMessage(handle: (message: In) => void): void
  /** The next message that has arrived, at once; undefined when there is none. */
  receive(): In | undefined
  close(): void
}

/** The end of a channel between threads. */
export function threadPort<In, Out>(port: MessagePort): Port<In, Out> {
  return {
    post: (message, transfer = []) => port.postMessage(message, transfer as Transferable[]),
    onMessage: (handle) => void port.on('message', handle),
    receive: () => receiveMessageOnPort(port)?.message as In | undefined,
    close: () => port.close(),
  }
}
