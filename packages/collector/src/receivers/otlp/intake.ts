/** What both protocols do with a message: read it, hand it on, and say what of it was not taken. */
import { setImmediate } from 'node:timers/promises'
import type { ExportResponse, Signal } from '@spoor/otlp'
import { CollectorError, freeBody, type SenderAccount } from '../../component/index.ts'
import type { Call, Intake, RequestBody } from '../../receiver-helper/index.ts'
import type { Converter } from './conversion.ts'
import { readMessage, type Encoding, type Message } from '../../otlp-protocol/message.ts'

/** A message from this size on is looked at on another thread: it takes some 10 ms. Bytes. */
const THREAD_BYTES: Readonly<Record<Encoding, number>> = { json: 256 * 1024, protobuf: 8 * 1024 * 1024 }
/** A message from this size on, some milliseconds of work, has a turn of its own. Bytes. */
const LARGE_BYTES = 1024 * 1024
/** Messages and fields of a message that are looked at on this thread: about 10 ms. */
const MOST_WORK = 1_000_000

/**
 * Resolves when the pipelines have taken the message, so that the client may forget it, with what is to be told: the
 * spans that have an invalid id are refused, and the others are taken. A message without items is taken at once. Rejects
 * with what the pipeline throws, or the reading of the message. The call's lease must be for the body, and is for
 * nothing afterwards. So are the body's bytes, unless a pipeline keeps them: they are freed.
 */
export type TakeMessage = (
  signal: Signal,
  encoding: Encoding,
  body: RequestBody,
  call: Call,
) => Promise<Partial<ExportResponse>>

export function createTakeMessage(intake: Intake, converter: Converter): TakeMessage {
  const read = async (signal: Signal, encoding: Encoding, bytes: Uint8Array, call: Call): Promise<Message> => {
    if (bytes.length >= THREAD_BYTES[encoding]) return converter.convert({ signal, encoding, body: bytes }, call)
    // What has come before in this turn, the end of the body or of its decompression, is a turn's work as well.
    if (bytes.length >= LARGE_BYTES) await setImmediate()
    return readMessage(signal, encoding, bytes, MOST_WORK) ?? converter.convert({ signal, encoding, body: bytes }, call)
  }

  /** Makes the lease one for what is handed on, and frees the rest. */
  const settle = (message: Message, body: RequestBody, bodyBytes: number, call: Call): void => {
    const dropped = message.rejected > 0 ? (body.compressed?.bytes.length ?? 0) : 0
    const more = message.bytes.length - bodyBytes - dropped
    if (more > 0 && !call.lease.grow(more)) throw call.budget.refusal(call.lease.bytes + more)
    call.lease.shrink(Math.min(call.lease.bytes, Math.max(0, -more)))
    if (message.bytes !== body.bytes) freeBody(body.bytes)
    call.lease.move('pipeline')
  }

  const reject = (
    signal: Signal,
    { rejected, items, problem }: Message,
    sender: SenderAccount,
  ): Partial<ExportResponse> => ({
    rejected,
    message: intake.rejectInvalid(signal, rejected, items, problem, sender),
  })

  return async (signal, encoding, body, call) => {
    const bodyBytes = body.bytes.length
    let message: Message | undefined
    let isKept = false
    try {
      intake.begin()
      try {
        message = await read(signal, encoding, body.bytes, call)
        if (call.left) throw new CollectorError('unavailable', 'the client left before its message was handed on')
        settle(message, body, bodyBytes, call)
        call.sender.arrived(signal, message.bytes, message.rejected === 0 ? bodyBytes : 0)
        const answer = message.rejected > 0 ? reject(signal, message, call.sender) : {}
        const { bytes, items, rejected } = message
        if (items > 0) {
          const consumer = intake.consumer(signal)
          isKept = consumer !== undefined && consumer.releases !== true
          const { compressed } = body
          await intake.hand(
            signal,
            compressed && rejected === 0 ? { bytes, items, compressed } : { bytes, items },
            call,
          )
        }
        intake.succeed(items, call.sender)
        return answer
      } finally {
        intake.end()
      }
    } finally {
      if (!isKept) for (const bytes of [body.bytes, message?.bytes, body.compressed?.bytes]) if (bytes) freeBody(bytes)
      call.lease.release()
    }
  }
}
