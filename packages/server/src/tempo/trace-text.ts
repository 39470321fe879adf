import { requestToJson, splitSpans } from '@spoor/otlp'

/** Spans that are turned into JSON in one go: some milliseconds. */
const SPANS_AT_ONCE = 500
const KINDS = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER']
const STATUSES = ['UNSET', 'OK', 'ERROR']

type Json = Record<string, unknown>

/**
 * Pieces of a trace's JSON as Tempo has it: that of OTLP, but with ids in base64 and kinds and statuses by the names that protobuf has for them. `before` and `after` stand around the list of
 * `ResourceSpans`.
 */
export async function* tempoJson(
  chunks: AsyncIterable<Uint8Array>,
  before: string,
  after: (bytes: number) => string,
): AsyncGenerator<string> {
  yield before
  let separator = ''
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.length
    for (const part of splitSpans(chunk, SPANS_AT_ONCE)) {
      for (const resourceSpans of listOf(requestToJson('traces', part), 'resourceSpans')) {
        for (const scopeSpans of listOf(resourceSpans, 'scopeSpans'))
          for (const span of listOf(scopeSpans, 'spans')) rename(span)
        yield `${separator}${JSON.stringify(resourceSpans)}`
        separator = ','
      }
    }
  }
  yield after(bytes)
}

function rename(span: Json): void {
  for (const name of ['traceId', 'spanId', 'parentSpanId']) toBase64(span, name)
  for (const link of listOf(span, 'links')) for (const name of ['traceId', 'spanId']) toBase64(link, name)
  const { kind } = span
  const status = span['status'] as Json | undefined
  if (typeof kind === 'number' && KINDS[kind]) span['kind'] = `SPAN_KIND_${KINDS[kind]}`
  const code = status?.['code']
  if (typeof code === 'number' && STATUSES[code]) status!['code'] = `STATUS_CODE_${STATUSES[code]}`
}

function toBase64(object: Json, name: string): void {
  const hex = object[name]
  if (typeof hex === 'string') object[name] = Buffer.from(hex, 'hex').toString('base64')
}

function listOf(object: object, name: string): Json[] {
  return ((object as Json)[name] ?? []) as Json[]
}

/** Bytes of a trace that are put together; within what an answer may hold. */
const MAX_TOGETHER = 1024 * 1024

/**
 * A trace as the field `trace` of Tempo's `TraceByIDResponse`: one message, and where it is large several of them, which protobuf takes for one, so that what is sent need not wait for all of it.
 */
export async function* framedTrace(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let together: Uint8Array[] = []
  let bytes = 0
  const framed = (): Uint8Array[] => [Uint8Array.from([0x0a, ...varint(bytes)]), ...together]
  for await (const chunk of chunks) {
    if (together.length > 0 && bytes + chunk.length > MAX_TOGETHER) {
      yield* framed()
      together = []
      bytes = 0
    }
    together.push(chunk)
    bytes += chunk.length
  }
  yield* framed()
}

function varint(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
  return [...bytes, rest]
}
