import type { Readable } from 'node:stream'
import { zstdDecompressSync } from 'node:zlib'
import { formOf, type Intake, InputProblem, isZstd, jsonForm, JsonReader, type Place } from '@spoor/trace/files'
import type { ByteSource } from './byte-source.ts'
import { HEAD_BYTES, openInput } from './input.ts'
import { framesOf, MAX_MESSAGE_BYTES, type Message, resourceSpansOf } from './protobuf.ts'

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf]

/**
 * Gives all that is in a file to `intake`; `-` is the standard input. `drain` is awaited between pieces, so that no more is in memory than is handed
 * on; `onBytes` is called with how many bytes of the file were read. What ends a file before its end is refused: what came before it is taken.
 */
export async function readInput(
  path: string,
  stdin: Readable,
  intake: Intake,
  drain: () => Promise<void>,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const source = await openInput(path, stdin, onBytes)
  try {
    await readForm(source, intake, drain)
    if (source.failure) throw source.failure
  } catch (error) {
    // What seems to be cut off may be what could not be read.
    const problem = source.failure ?? error
    if (!(problem instanceof InputProblem)) throw problem
    intake.refuse(problem.message, problem.place)
  } finally {
    await source.close()
  }
}

async function readForm(source: ByteSource, intake: Intake, drain: () => Promise<void>): Promise<void> {
  switch (formOf(await source.peek(HEAD_BYTES))) {
    case 'json':
      return readJson(source, intake, drain)
    case 'message':
      return each(resourceSpansOf(source), drain, ({ bytes, offset }) => intake.request(bytes, { offset }))
    case 'frames':
      return each(framesOf(source), drain, (frame) => readFrame(frame, intake))
    case 'unknown':
      throw new InputProblem({ offset: 0 }, await unknownForm(source))
    default:
  }
}

async function readJson(source: ByteSource, intake: Intake, drain: () => Promise<void>): Promise<void> {
  const reader = new JsonReader(
    (place: Place) => jsonForm(intake, place),
    ({ message, place }) => intake.refuse(message, place),
  )
  const head = await source.peek(3)
  if (BYTE_ORDER_MARK.every((byte, i) => head[i] === byte)) await source.read(3)
  for await (const piece of source.rest()) {
    reader.write(piece)
    await drain()
    if (reader.stopped) return
  }
  if (!source.failure) reader.end()
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
