import { receiveMessageOnPort, type MessagePort, type Transferable } from 'node:worker_threads'
import type { StorePart } from '../events.ts'
import type { FileSystem } from './files/file-system.ts'
import type { LocalStoreSettings } from './options.ts'

/*
 * Time, messages and parts as the engine sees them. The program has the machine's clock and threads; a simulation has its own, in which
 * a seed draws the order and delay of messages, ends parts, and time passes as fast as nothing happens.
 */

/** Milliseconds throughout. */
export interface Clock {
  /** Since 1970; may jump. */
  wallMs(): number
  /** From an arbitrary point, which is the same in all threads of the process; never goes back. */
  monotonicMs(): number
  /** Calls `run` once, after at least `ms`. The result calls it off. */
  after(ms: number, run: () => void): () => void
  /** Resolves when other work of the thread has had its turn. */
  turn(): Promise<void>
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs() {
    // performance.now() counts from the start of each thread.
    const [seconds, nanoseconds] = process.hrtime()
    return seconds * 1e3 + nanoseconds / 1e6
  },
  after(ms, run) {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
  turn: () => new Promise((resolve) => setImmediate(resolve)),
}

/** One end of a channel between two parts. Messages arrive in the order in which they were posted, each once. */
export interface Port<In, Out> {
  /** The message is copied, but for the buffers and links in `transfer`, which move. To an end that is gone nothing is posted. */
  post(message: Out, transfer?: readonly (ArrayBuffer | Link)[]): void
  /** Called for each message that {@link receive} has not taken. */
  onMessage(handle: (message: In) => void): void
  /** The next message that has arrived, at once; undefined when there is none. */
  receive(): In | undefined
  close(): void
}

/** One end of a channel on its way to the part that will use it; {@link Connect} makes it a port there. */
export interface Link {
  close(): void
}

/** Makes a link that came in a message a port of this part. */
export type Connect = <In, Out>(link: Link) => Port<In, Out>

/** The parts that run on their own. */
export type EnginePart = Extract<StorePart, 'writer' | 'lookup_reader' | 'search_reader' | 'sealer'>

/** A part that was started. */
export interface RunningPart<In, Out> {
  readonly port: Port<In, Out>
  /** Resolves with the reason when it ended, by itself or because it was told to. */
  readonly ended: Promise<string>
  /** Ends it whatever it does; {@link ended} tells when it has: not as long as it is in a system call that does not return. */
  terminate(): void
}

/** What the store's parts run on: threads and the machine's files in the program. */
export interface Host {
  readonly clock: Clock
  readonly files: FileSystem
  /** Takes the directory for this process, or throws StorageError `locked`. The result gives it back; it may be called twice. */
  lock(directory: string): () => void
  /** A channel: each end goes to a part. */
  channel(): readonly [Link, Link]
  start<In, Out>(part: EnginePart, settings: LocalStoreSettings): RunningPart<In, Out>
}

/** The end of a channel between threads. */
export function threadPort<In, Out>(port: MessagePort): Port<In, Out> {
  return {
    post: (message, transfer = []) => port.postMessage(message, transfer as readonly Transferable[]),
    onMessage: (handle) => void port.on('message', handle),
    receive: () => receiveMessageOnPort(port)?.message as In | undefined,
    close: () => port.close(),
  }
}

/** {@link Connect} of a thread. */
export const connectThread: Connect = (link) => threadPort(link as MessagePort)
