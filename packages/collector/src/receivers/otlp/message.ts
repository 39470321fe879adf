/** What a body says: OTLP as protobuf, validated, counted, and without the spans that cannot be taken. */
import {
  inspectItems,
  logsFromJson,
  metricsFromJson,
  rejectInvalidSpans,
  tracesFromJson,
  type InvalidIdListener,
  type Signal,
} from '@spoor/otlp'
import { CollectorError } from '../../component/error.ts'

export type Encoding = 'protobuf' | 'json'

export interface Message {
  /** The protobuf message; the body itself where nothing had to be done. */
  readonly bytes: Uint8Array
  /** Spans, log records or data points in it. */
  readonly items: number
  /** Spans that were taken out of it, as they have no valid trace or span id. */
  readonly rejected: number
  /** The first of them and what is wrong with it; `''` when there were none. */
  readonly problem: string
}

const FROM_JSON: Readonly<Record<Signal, (text: Uint8Array, onInvalidId: InvalidIdListener) => Uint8Array>> = {
  traces: tracesFromJson,
  metrics: (text) => metricsFromJson(text),
  logs: (text) => logsFromJson(text),
}

/** Bytes of heap that JSON takes while it is read: for each of its bytes, and for what stands behind these characters. */
const HEAP_BYTES = { text: 2, object: 64, array: 32, element: 24 } as const
const CHECKED_FROM_BYTES = 256 * 1024
const MOST_HEAP_BYTES = 256 * 1024 * 1024
/** OTLP as SDKs write it takes 4 to 5 times its length. */
const MOST_HEAP_FACTOR = 10

/** Throws `too_large` for JSON of so many parts that reading it would take hundreds of megabytes. */
function checkHeap(json: Uint8Array): void {
  if (json.length < CHECKED_FROM_BYTES) return
  let heapBytes = json.length * HEAP_BYTES.text
  for (let i = 0; i < json.length; i++) {
    const character = json[i]
    if (character === 0x2c) heapBytes += HEAP_BYTES.element
    else if (character === 0x7b) heapBytes += HEAP_BYTES.object
    else if (character === 0x5b) heapBytes += HEAP_BYTES.array
  }
  if (heapBytes <= MOST_HEAP_BYTES || heapBytes <= json.length * MOST_HEAP_FACTOR) return
  throw new CollectorError(
    'too_large',
    `reading this JSON of ${json.length} bytes would take about ${heapBytes} bytes, as it has very many values; send smaller batches, or protobuf`,
  )
}

/**
 * Throws {@link OtlpError} when the body is not a valid message, `too_large` when it takes too
 * much memory to read. Undefined when more than `maxWork` messages and fields
 * would have to be looked at, see `inspectItems`.
 */
export function readMessage(
  signal: Signal,
  encoding: Encoding,
  body: Uint8Array,
  maxWork?: number,
): Message | undefined {
  let problem = ''
  let bytes = body
  if (encoding === 'json') {
    checkHeap(body)
    // It is written from the end to the start, so that the last problem is the first one of the body.
    bytes = FROM_JSON[signal](body, (error) => (problem = error.message))
  }
  const inspection = inspectItems(signal, bytes, maxWork)
  if (!inspection) return undefined
  const { items, invalidSpans } = inspection
  if (signal !== 'traces' || invalidSpans === 0) return { bytes, items, rejected: 0, problem: '' }
  const rest = rejectInvalidSpans(bytes)
  return { bytes: rest.bytes, items: items - rest.rejected, rejected: rest.rejected, problem: problem || rest.first }
}
