import { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'

/** Characters that are put together before they are sent. */
const CHUNK = 64 * 1024

/**
 * JSON text from pieces, as a stream. Large answers are made as they are sent: they are never whole in memory, and
 * between chunks other work has its turn, so that somebody who looks at a huge trace does not hold up what comes in.
 * When making the text fails, the connection is cut: the reader sees that the answer is not complete.
 */
export function jsonStream(pieces: AsyncIterable<string> | Iterable<string>): Readable {
  return Readable.from(chunks(pieces), { objectMode: false })
}

async function* chunks(pieces: AsyncIterable<string> | Iterable<string>): AsyncGenerator<Buffer> {
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
