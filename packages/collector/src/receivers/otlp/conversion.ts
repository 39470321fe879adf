/**
 * Work on a body that would hold up everything else, on a thread of its own: JSON beyond a size (56 ms for a megabyte),
 * protobuf beyond a larger one (a millisecond), and messages made of very many very small parts. The thread is started when it is needed, ended when it has been idle,
 * and replaced when it dies. It has one body at a time; the others wait, first come first served, with the bytes that
 * they came in.
 */
import { Worker } from 'node:worker_threads'
import { OtlpError, type OtlpErrorCode, type Signal } from '@spoor/otlp'
import { adoptBody, CollectorError, ownsBuffer } from '../../component/index.ts'
import { createTurns } from '../../otlp-protocol/turns.ts'
import type { Call } from '../../receiver-helper/index.ts'
import type { Encoding, Message } from '../../otlp-protocol/message.ts'

export interface ConversionRequest {
  readonly signal: Signal
  readonly encoding: Encoding
  readonly body: Uint8Array
}

export type ConversionResponse =
  | Message
  /** An {@link OtlpError}. */
  | {
      readonly error: {
        readonly code: OtlpErrorCode
        readonly message: string
        readonly offset: number
        readonly path: string
      }
    }

export interface Converter {
  /**
   * The body's message. The body's memory is the callee's from the call on. Rejects with {@link OtlpError} when it is no
   * valid message, `overloaded` when too many wait, and `unavailable` when the client has left or the thread was ended.
   */
  convert(request: ConversionRequest, call: Call): Promise<Message>
  /** Ends the thread. */
  close(): Promise<void>
}

export interface ConverterOptions {
  /** How long the thread may be idle before it is ended. Milliseconds. Default 10,000. */
  readonly idleMs?: number
}

const IDLE_MS = 10_000
/** Bytes that are written to for each one of JSON, at most: the message, and where it is put together. */
const JSON_FACTOR = 2
/** Mebibytes of the thread's heap. It is hardly used; what takes more ends the thread and not the process. */
const MOST_HEAP_MIB = 128
const MOST_WAITING = 1024

export function createConverter({ idleMs = IDLE_MS }: ConverterOptions = {}): Converter {
  const turns = createTurns(1, MOST_WAITING)
  let thread: Worker | undefined
  let idle: NodeJS.Timeout | undefined
  let closed = false

  const end = async (): Promise<void> => {
    const ended = thread
    thread = undefined
    await ended?.terminate()
  }

  const start = (): Worker => {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const started = new Worker(new URL(`./conversion-thread.${extension}`, import.meta.url), {
      name: 'spoor-conversion',
      resourceLimits: { maxOldGenerationSizeMb: MOST_HEAP_MIB, maxYoungGenerationSizeMb: 8 },
    })
    started.unref()
    // Whoever waits for the thread hears of its end, too.
    const forget = (): void => {
      if (thread === started) thread = undefined
    }
    started.on('error', forget)
    started.on('exit', forget)
    return started
  }

  const ask = async (request: ConversionRequest): Promise<Message> => {
    const worker = (thread ??= start())
    const response = await new Promise<ConversionResponse>((resolve, reject) => {
      const onError = (cause: Error): void =>
        reject(new CollectorError('internal', `converting a message failed: ${cause.message}`, { cause }))
      const onExit = (): void =>
        reject(new CollectorError('unavailable', 'the thread that converts was ended; try again'))
      worker.once('message', (message: ConversionResponse) => {
        worker.off('error', onError)
        worker.off('exit', onExit)
        resolve(message)
      })
      worker.once('error', onError)
      worker.once('exit', onExit)
      worker.ref()
      worker.postMessage(request, [request.body.buffer as ArrayBuffer])
    }).finally(() => worker.unref())
    if ('bytes' in response) {
      adoptBody(response.bytes)
      return response
    }
    const { code, message, ...at } = response.error
    throw new OtlpError(code, message, at)
  }

  return {
    async convert(request, call) {
      const leave = await turns.enter()
      clearTimeout(idle)
      const moreBytes = request.encoding === 'json' ? request.body.length * JSON_FACTOR : 0
      try {
        if (call.left) throw new CollectorError('unavailable', 'the client left before its message was read')
        if (closed) throw new CollectorError('unavailable', 'the receiver is shutting down; try again')
        call.lease.move('conversion')
        if (!call.lease.grow(moreBytes)) throw call.budget.refusal(call.lease.bytes + moreBytes)
        const { body } = request
        return await ask(ownsBuffer(body) ? request : { ...request, body: Uint8Array.from(body) })
      } finally {
        call.lease.shrink(Math.min(moreBytes, call.lease.bytes))
        idle = setTimeout(() => void end(), idleMs).unref()
        leave()
      }
    },
    async close() {
      closed = true
      clearTimeout(idle)
      await end()
    },
  }
}
