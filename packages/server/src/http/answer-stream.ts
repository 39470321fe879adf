import { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import type { FastifyReply } from 'fastify'
import { callOf } from './query-call.ts'

/** Characters that are put together before they are sent. */
const CHUNK = 64 * 1024
/** A client that takes nothing for so long is not waited for: it holds a place that others want. Milliseconds. */
const STALL_MS = 30_000

/**
 * An answer of a route with a lane that is made as it is sent: only a piece of it is in memory, the next is made when the client has taken the one before, and
 * between pieces other work has its turn.
 *
 * When making it fails, the connection is reset, so that no client takes a part for the whole: one that reads until the
 * connection ends (HTTP/1.0) would, if it were closed in order. `onFailure` hears why.
 */
export function sendBytes(
  reply: FastifyReply,
  pieces: AsyncIterable<Uint8Array>,
  onFailure: (error: unknown) => void,
): FastifyReply {
  const { raw, request } = reply
  const { room } = callOf(request)
  raw.setTimeout(STALL_MS, () => {
    // Nothing waits to be taken: it is the store that is slow, and it has a deadline of its own.
    if (raw.writableLength === 0) raw.socket?.setTimeout(STALL_MS)
    else raw.socket?.resetAndDestroy()
  })
  async function* watched(): AsyncGenerator<Uint8Array> {
    try {
      for await (const piece of pieces) {
        room.pass(piece.length)
        yield piece
      }
    } catch (error) {
      // Before the first byte it can still be answered as an error.
      if (raw.headersSent && !raw.destroyed) {
        onFailure(error)
        raw.socket?.resetAndDestroy()
      }
      throw error
    }
  }
  return reply.send(Readable.from(watched(), { objectMode: false }))
}

/** The same for text, in chunks of 64 KiB, or where `atOnce` is true each piece as it comes. */
export function sendText(
  reply: FastifyReply,
  pieces: AsyncIterable<string>,
  onFailure: (error: unknown) => void,
  atOnce = false,
): FastifyReply {
  return sendBytes(reply, atOnce ? each(pieces) : joined(pieces), onFailure)
}

async function* each(pieces: AsyncIterable<string>): AsyncGenerator<Buffer> {
  for await (const piece of pieces) yield Buffer.from(piece)
}

async function* joined(pieces: AsyncIterable<string>): AsyncGenerator<Buffer> {
  let parts: string[] = []
  let length = 0
  for await (const piece of pieces) {
    parts.push(piece)
    length += piece.length
    if (length < CHUNK) continue
    yield Buffer.from(parts.join(''))
    parts = []
    length = 0
    await setImmediate()
  }
  if (length > 0) yield Buffer.from(parts.join(''))
}
