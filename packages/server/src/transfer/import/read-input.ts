import { zstdDecompressSync } from 'node:zlib'
import type { ByteSource } from './byte-source.ts'
import { type Input, isZstd } from './input.ts'
import type { Intake } from './intake.ts'
import { jsonForm } from './json-form.ts'
import { JsonReader } from './json-reader.ts'
import { InputProblem, type Place } from './place.ts'
import { framesOf, MAX_MESSAGE_BYTES, type Message, resourceSpansOf } from './protobuf.ts'

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf]

/**
 * Gives all that is in a file to `intake`. `drain` is awaited between pieces, so that no more is in memory than is handed on. What ends the file before
 * its end is refused there too: what came before it is taken.
 */
export async function readInput({ source, form }: Input, intake: Intake, drain: () => Promise<void>): Promise<void> {
  try {
    switch (form) {
      case 'json':
        return await readJson(source, intake, drain)
      case 'message':
        return await each(resourceSpansOf(source), drain, ({ bytes, offset }) => intake.request(bytes, { offset }))
      case 'frames':
        return await each(framesOf(source), drain, (frame) => readFrame(frame, intake))
      case undefined:
        throw new InputProblem({ offset: 0 }, await unknownForm(source))
    }
  } catch (error) {
    if (!(error instanceof InputProblem)) throw error
    intake.refuse(error.message, error.place)
  } finally {
    await source.close()
  }
}

async function readJson(source: ByteSource, intake: Intake, drain: () => Promise<void>): Promise<void> {
  const reader = jsonReader(intake)
  const head = await source.peek(3)
  if (BYTE_ORDER_MARK.every((byte, i) => head[i] === byte)) await source.read(3)
  for await (const piece of source.rest()) {
    reader.write(piece)
    await drain()
    if (reader.stopped) return
  }
  reader.end()
}

function jsonReader(intake: Intake): JsonReader {
  return new JsonReader(
    (place: Place) => jsonForm(intake, place),
    ({ message, place }) => intake.refuse(message, place),
  )
}

async function each(
  messages: AsyncIterable<Message>,
  drain: () => Promise<void>,
  take: (message: Message) => void,
): Promise<void> {
  for await (const message of messages) {
    take(message)
    await drain()
  }
}

/** The collector's file exporter frames what it compresses, whatever it is. */
function readFrame({ bytes, offset }: Message, intake: Intake): void {
  let content = bytes
  if (isZstd(bytes)) {
    try {
      content = zstdDecompressSync(bytes, { maxOutputLength: MAX_MESSAGE_BYTES })
    } catch (error) {
      intake.refuse(`a message cannot be decompressed: ${(error as Error).message}`, { offset })
      return
    }
  }
  if (content[0] !== 0x7b) {
    intake.request(content, { offset })
    return
  }
  const reader = new JsonReader(
    () => jsonForm(intake, { offset }),
    ({ message }) => intake.refuse(message, { offset }),
  )
  reader.write(content)
  reader.end()
}

async function unknownForm(source: ByteSource): Promise<string> {
  const head = await source.peek(4)
  const known =
    'OTLP (JSON, JSON lines or protobuf) and Jaeger’s JSON can be imported, plain or compressed with gzip or zstd'
  return head.toString('latin1') === 'PAR1'
    ? 'a Parquet file, which cannot be imported; export with --otlp or --otlp-json what is to be imported again'
    : `none of the forms that are known: ${known}`
}
