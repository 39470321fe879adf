import { formOf, isZstd } from './form.ts'
import type { Intake } from './intake.ts'
import { jsonForm } from './json-form.ts'
import { JsonReader } from './json-reader.ts'
import { InputProblem, type Place } from './place.ts'

/** Bytes that the form is told by. */
const HEAD_BYTES = 1 << 16
/** Of a JSON text that is given to the reader at a time; between two, `onProgress` is called. */
const PIECE_BYTES = 1 << 20
const LENGTH_BYTES = 4
/** `TracesData.resource_spans = 1`, length-delimited. */
const RESOURCE_SPANS = 0x0a

/**
 * Gives all that is in a content, which is in memory and not compressed, to `intake`: OTLP as JSON, JSON lines, protobuf or the collector's frames, or Jaeger's JSON.
 * What ends it before its end is refused: what came before it is taken. `onProgress`: called with how many bytes are read.
 */
export function readContent(bytes: Uint8Array, intake: Intake, onProgress: (bytes: number) => void = () => {}): void {
  try {
    switch (formOf(bytes.subarray(0, HEAD_BYTES))) {
      case 'json':
        return readJson(bytes, intake, onProgress)
      case 'message':
        for (const { part, offset } of resourceSpansIn(bytes)) {
          intake.request(part, { offset })
          onProgress(offset + part.length)
        }
        return
      case 'frames':
        for (const { part, offset } of framesIn(bytes)) readFrame(part, offset, intake)
        return
      case 'unknown':
        throw new InputProblem({ offset: 0 }, unknownForm(bytes))
      default:
    }
  } catch (error) {
    if (!(error instanceof InputProblem)) throw error
    intake.refuse(error.message, error.place)
  }
}

function readJson(bytes: Uint8Array, intake: Intake, onProgress: (bytes: number) => void): void {
  const reader = new JsonReader(
    (place: Place) => jsonForm(intake, place),
    ({ message, place }) => intake.refuse(message, place),
  )
  for (let at = hasByteOrderMark(bytes) ? 3 : 0; at < bytes.length && !reader.stopped; at += PIECE_BYTES) {
    reader.write(bytes.subarray(at, at + PIECE_BYTES))
    onProgress(Math.min(bytes.length, at + PIECE_BYTES))
  }
  reader.end()
}

const hasByteOrderMark = (bytes: Uint8Array) => bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf

interface Part {
  readonly part: Uint8Array
  readonly offset: number
}

/** A serialized `TracesData` as one message for each of its `ResourceSpans`, so that one that is cut off does not take the others with it. */
function* resourceSpansIn(bytes: Uint8Array): Generator<Part> {
  for (let offset = 0; offset < bytes.length;) {
    if (bytes[offset] !== RESOURCE_SPANS) {
      throw new InputProblem({ offset }, 'not OTLP: no ResourceSpans begins here')
    }
    let [length, factor, at] = [0, 1, offset + 1]
    for (; at < offset + 6; factor *= 128) {
      const byte = bytes[at++] ?? 0
      length += (byte & 0x7f) * factor
      if (byte < 0x80) break
    }
    if (at + length > bytes.length) throw cutOff(offset)
    yield { part: bytes.subarray(offset, at + length), offset }
    offset = at + length
  }
}

/** Messages each after its length, four bytes, the highest first. */
function* framesIn(bytes: Uint8Array): Generator<Part> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let offset = 0; offset < bytes.length;) {
    const at = offset + LENGTH_BYTES
    const end = at <= bytes.length ? at + view.getUint32(offset) : Infinity
    if (end > bytes.length) throw cutOff(offset)
    yield { part: bytes.subarray(at, end), offset: at }
    offset = end
  }
}

function readFrame(bytes: Uint8Array, offset: number, intake: Intake): void {
  if (isZstd(bytes)) intake.refuse(NO_ZSTD, { offset })
  else if (bytes[0] === 0x7b) readJson(bytes, intake, () => {})
  else intake.request(bytes, { offset })
}

const NO_ZSTD = 'it is compressed with zstd, which is not read here; `spoor import` does'

function unknownForm(bytes: Uint8Array): string {
  if (isZstd(bytes)) return NO_ZSTD
  const known = 'OTLP (JSON, JSON lines or protobuf) and Jaeger’s JSON are, plain or compressed with gzip'
  return `none of the forms that are known: ${known}`
}

function cutOff(offset: number): InputProblem {
  return new InputProblem({ offset }, 'it ends in the middle of the message that begins here; it may have been cut off')
}
