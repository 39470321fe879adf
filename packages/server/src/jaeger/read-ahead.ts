import { freeBytes } from '@spoor/collector'
import { createSpanColumns, hexToBytes, scanSpans, type SpanColumns } from '@spoor/otlp'
import { type Adjuster, createSpanIndex, spanAdjuster } from './adjust.ts'

/** How much is held of a trace for what has to be known of all its spans before the first is shown. */
export interface WholeLimits {
  /** Of a trace up to so many bytes the spans are held; a larger one is read twice. */
  readonly maxBytes: number
  /** A trace with more is not adjusted as a whole. */
  readonly maxSpans: number
}

const WHOLE: WholeLimits = { maxBytes: 2 * 1024 * 1024, maxSpans: 1_000_000 }

export interface AheadOptions {
  /** The trace once more, from its beginning. */
  readonly again: () => AsyncIterable<Uint8Array>
  /** Asked before so many more bytes are held; false: there is no room for them. */
  readonly grow?: (bytes: number) => boolean
  readonly limits?: WholeLimits
}

export interface ReadAhead {
  readonly adjuster: Adjuster
  /** That the trace is not adjusted as a whole. */
  readonly warning: string | undefined
  /** The trace from its beginning: held, or read once more. */
  readonly again: AsyncIterable<Uint8Array>
  /** Gives memory back; the adjuster cannot be used any more. */
  readonly free: () => void
}

/**
 * Reads a trace for what Jaeger's adjusters have to know of all its spans: serialized `TracesData` that together are one message, of which spans of other traces are left out. One that has too many spans, or that there is
 * no room for, is adjusted span by span.
 */
export async function readAhead(
  chunks: AsyncIterable<Uint8Array>,
  traceId: string,
  { again, grow = () => true, limits = WHOLE }: AheadOptions,
): Promise<ReadAhead> {
  const index = createSpanIndex(grow, limits.maxSpans)
  const piecesOf = createScanner(traceId)
  try {
    const { held, isWhole } = await read(chunks, limits.maxBytes, grow, (bytes) => index.add(piecesOf(bytes)))
    return {
      adjuster: isWhole ? index.adjuster() : spanAdjuster,
      warning: isWhole
        ? undefined
        : `trace has more than ${limits.maxSpans} spans, or the server is short of memory: duplicates are shown, and span ids that client and server share are left as they are`,
      again: held ?? again(),
      free: () => index.free(),
    }
  } catch (error) {
    index.free()
    throw error
  }
}

interface Ahead {
  /** The chunks, and what ended them, of a trace that is small enough to be kept. */
  readonly held: AsyncIterable<Uint8Array> | undefined
  /** Whether `see` has seen all that can be read, and remembers it. */
  readonly isWhole: boolean
}

/** `see`: false when what it has to remember is too much. */
async function read(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
  grow: (bytes: number) => boolean,
  see: (bytes: Uint8Array) => boolean,
): Promise<Ahead> {
  let kept: Uint8Array[] | undefined = []
  let bytes = 0
  try {
    for await (const chunk of chunks) {
      if (!see(chunk)) return { held: undefined, isWhole: false }
      bytes += chunk.length
      if (kept && bytes <= maxBytes && grow(chunk.length)) kept.push(chunk)
      else {
        for (const before of kept ?? []) freeBytes(before)
        kept = undefined
        freeBytes(chunk)
      }
    }
  } catch (error) {
    return { held: kept && given(kept, { error }), isWhole: true }
  }
  return { held: kept && given(kept), isWhole: true }
}

async function* given(
  chunks: readonly Uint8Array[],
  failure?: { readonly error: unknown },
): AsyncGenerator<Uint8Array> {
  yield* chunks
  if (failure) throw failure.error
}

/** A chunk of a trace, scanned. Good until the next one is. */
export interface Piece {
  readonly bytes: Uint8Array
  readonly columns: SpanColumns
  readonly rows: readonly number[]
}

export function createScanner(traceId: string): (bytes: Uint8Array) => Piece {
  const columns = createSpanColumns()
  return (bytes) => {
    columns.count = 0
    scanSpans(bytes, columns)
    return { bytes, columns, rows: rowsOfTrace(columns, traceId) }
  }
}

function rowsOfTrace(columns: SpanColumns, traceId: string): number[] {
  const id = hexToBytes(traceId)
  const rows: number[] = []
  for (let row = 0; row < columns.count; row++) {
    if (id.every((byte, index) => columns.traceId[row * 16 + index] === byte)) rows.push(row)
  }
  return rows
}
