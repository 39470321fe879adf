/** Dividing batches: between the chunks that came, and within a chunk where that can be done without changing an item. */
import { createBatch, splitItems, type Chunk, type Signal, type TelemetryBatch } from '@spoor/otlp'

/** What the size of a batch is counted in. */
export type Unit = 'items' | 'bytes'

export function sizeOf({ items, byteLength }: Pick<TelemetryBatch, 'items' | 'byteLength'>, unit: Unit): number {
  return unit === 'items' ? items : byteLength
}

export interface DivideOptions {
  /** Size of the first part at most. */
  readonly room: number
  /** Size that chunks have at most that are cut out of the one on the border. Default: no limit. */
  readonly max?: number
  /** Whether the first part has at least one item, or one chunk, whatever the room. Default: false. */
  readonly isForced?: boolean
}

/**
 * Two batches, of which the first is as large as it can be without being larger than `room`, and the second is the rest. Undefined where
 * nothing fits into the room, or the batch cannot be divided (one item).
 */
export function divide(
  { signal, chunks }: TelemetryBatch,
  unit: Unit,
  { room, max = Infinity, isForced = false }: DivideOptions,
): readonly [TelemetryBatch, TelemetryBatch] | undefined {
  let left = room
  let whole = 0
  for (const chunk of chunks) {
    if (chunkSize(chunk, unit) > left) break
    left -= chunkSize(chunk, unit)
    whole++
  }
  const border = chunks[whole]
  if (!border) return undefined
  const isFirst = isForced && whole === 0
  const parts = divideChunk(signal, border, unit, { room: left, max, isForced: isFirst })
  const fitting = parts.length > 1 || isFirst ? 1 : 0
  const head = [...chunks.slice(0, whole), ...parts.slice(0, fitting)]
  const rest = [...parts.slice(fitting), ...chunks.slice(whole + 1)]
  if (head.length === 0 || rest.length === 0) return undefined
  return [createBatch(signal, head), createBatch(signal, rest)]
}

function chunkSize({ items, bytes }: Chunk, unit: Unit): number {
  return unit === 'items' ? items : bytes.length
}

/**
 * The chunk alone where it cannot be divided. Each part repeats the messages around its items, so that together they are larger than
 * the chunk.
 */
function divideChunk(
  signal: Signal,
  chunk: Chunk,
  unit: Unit,
  { room, max, isForced }: Required<DivideOptions>,
): readonly Chunk[] {
  if (chunk.items < 2 || (room < 1 && !isForced)) return [chunk]
  const first = Math.max(1, room)
  const limits = unit === 'items' ? { firstItems: first, maxItems: max } : { firstBytes: first, maxBytes: max }
  const parts = splitItems(signal, chunk.bytes, limits)
  return !isForced && chunkSize(parts[0]!, unit) > room ? [chunk] : parts
}
