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

export type Encoding = 'protobuf' | 'json'

export interface Message {
  /** The protobuf message; the body itself where nothing had to be done. */
  readonly bytes: Uint8Array
  /** Spans, log records or data points in it. */
  readonly items: number
  /** Spans that were taken out of it, as an id of theirs is not valid. */
  readonly rejected: number
  /** The first of them and what is wrong with it; `''` when there were none. */
  readonly problem: string
}

const FROM_JSON: Readonly<Record<Signal, (text: Uint8Array, onInvalidId: InvalidIdListener) => Uint8Array>> = {
  traces: tracesFromJson,
  metrics: (text) => metricsFromJson(text),
  logs: (text) => logsFromJson(text),
}

/**
 * Throws {@link OtlpError} when the body is not a valid message. Undefined when more than `maxWork` messages and fields
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
