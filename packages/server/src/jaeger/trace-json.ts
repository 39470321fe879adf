import { freeBytes } from '@spoor/collector'
import { decodeResourceHeader, decodeScopeHeader, decodeSpan, type Scope } from '@spoor/otlp'
import {
  createProcesses,
  type JaegerProcess,
  type JaegerProcesses,
  type JaegerSpan,
  jaegerSpanOf,
  shortTraceId,
} from '@spoor/trace/files'
import { adjustAttributes, type Adjuster, rawAdjuster } from './adjust.ts'
import { type AheadOptions, createScanner, type Piece, readAhead } from './read-ahead.ts'

export interface ReadOptions extends AheadOptions {
  /** Leaves out Jaeger's adjusters, so that the spans are as they came. */
  readonly raw: boolean
}

/** A trace in Jaeger's model, a span at a time: a large one is never in memory as objects. */
export interface JaegerTraceReader {
  readonly traceID: string
  spans(): AsyncGenerator<JaegerSpan>
  /** The processes of the spans read so far. */
  readonly processes: Readonly<Record<string, JaegerProcess>>
  /** What there is to say of the trace as a whole, once all spans are read. */
  readonly warnings: string[]
}

/**
 * Serialized OTLP of one trace in Jaeger's JSON model. Times are cut to microseconds; scope attributes, dropped counts,
 * flags, schema URLs, and attributes and trace state of links have no place in that model.
 *
 * Jaeger's adjusters have to know the ids of all spans before they can show the first. A large trace is therefore read twice, first for
 * the ids alone. One that has too many, or that there is no room for, is given whole all the same: without leaving out
 * duplicates and without new ids for server spans that share theirs, and a warning of the trace says so.
 *
 * @param chunks serialized `TracesData` that together are one message; spans of other traces are left out
 * @param traceId 32 hex digits
 *
 * Source: opentelemetry-collector-contrib `pkg/translator/jaeger/traces_to_jaegerproto.go`; jaeger v2.20
 * `uimodel/converter/v1/json`.
 */
export function readJaegerTrace(
  chunks: AsyncIterable<Uint8Array>,
  traceId: string,
  { raw, ...options }: ReadOptions,
): JaegerTraceReader {
  const processes = createProcesses(raw ? undefined : adjustAttributes)
  const warnings: string[] = []
  const piecesOf = createScanner(traceId)

  async function* spansIn(chunks: AsyncIterable<Uint8Array>, adjuster: Adjuster): AsyncGenerator<JaegerSpan> {
    for await (const bytes of chunks) {
      yield* spansOf(piecesOf(bytes), adjuster, processes)
      freeBytes(bytes)
    }
  }

  async function* spans(): AsyncGenerator<JaegerSpan> {
    if (raw) {
      yield* spansIn(chunks, rawAdjuster)
      return
    }
    const { adjuster, warning, again, free } = await readAhead(chunks, traceId, options)
    try {
      if (warning !== undefined) warnings.push(warning)
      yield* spansIn(again, adjuster)
    } finally {
      free()
    }
  }
  return { traceID: shortTraceId(traceId), processes: processes.byName, warnings, spans }
}

function* spansOf(
  { bytes, columns, rows }: Piece,
  adjuster: Adjuster,
  processes: JaegerProcesses,
): Generator<JaegerSpan> {
  const { resourceStart, resourceEnd, scopeStart, scopeEnd, spanStart, spanEnd } = columns
  const processAt = memoize((start: number, end: number) =>
    processes.numberOf(decodeResourceHeader(bytes, start, end).resource),
  )
  const scopeAt = memoize((start: number, end: number): Scope => decodeScopeHeader(bytes, start, end).scope)
  for (const row of rows) {
    const process = processAt(resourceStart[row]!, resourceEnd[row]!)
    const scope = scopeAt(scopeStart[row]!, scopeEnd[row]!)
    const span = decodeSpan(bytes, spanStart[row], spanEnd[row])
    const adjusted = adjuster.adjust(span, () => bytes.subarray(spanStart[row], spanEnd[row]), process)
    if (adjusted) yield jaegerSpanOf(adjusted.span, scope, process, adjusted.warnings)
  }
}

/** Remembers what was made of a message by where it starts: thousands of spans share one resource and one scope. */
function memoize<T>(make: (start: number, end: number) => T): (start: number, end: number) => T {
  const made = new Map<number, T>()
  return (start, end) => {
    if (!made.has(start)) made.set(start, make(start, end))
    return made.get(start)!
  }
}
