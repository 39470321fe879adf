/** Dividing batches: between the chunks that came, and within a chunk where that can be done without changing an item. */
import { createBatch, splitItems, type Chunk, type Signal, type TelemetryBatch } from '@spoor/otlp'

/** What the size of a batch is counted in. */
export type Unit = 'items' | 'bytes'

export function sizeOf({ items, byteLength }: Pick<TelemetryBatch, 'items' | 'byteLength'>, unit: Unit): number {
  return unit === 'items' ? items : byteLength
}

/**
 * Two batches, of which the first is as large as it can be without being larger than `room`, and the second is the rest. Undefined where
 * nothing fits into the room, or the batch cannot be divided (one item).
 *
 * @param isForced the first part has at least one item, or one chunk, whatever the room
 */
export function divide(
  batch: TelemetryBatch,
  unit: Unit,
  room: number,
  isForced = false,
): readonly [TelemetryBatch, TelemetryBatch] | undefined {
  const { signal, chunks } = batch
  const head: Chunk[] = []
  const rest = [...chunks]
  let left = room
  for (let next = rest[0]; next && chunkSize(next, unit) <= left; next = rest[0]) {
    head.push(rest.shift()!)
    left -= chunkSize(next, unit)
  }
  const [first] = rest
  const parts = first && divideChunk(signal, first, unit, left, isForced && head.length === 0)
  if (parts) {
    head.push(parts[0])
    rest[0] = parts[1]
  } else if (head.length === 0 && isForced) head.push(rest.shift()!)
  if (head.length === 0 || rest.length === 0) return undefined
  return [createBatch(signal, head), createBatch(signal, rest)]
}

function chunkSize({ items, bytes }: Chunk, unit: Unit): number {
  return unit === 'items' ? items : bytes.length
}

/** Each part repeats the messages around its items, so that together they are larger than the chunk. */
function divideChunk(
  signal: Signal,
  { items, bytes }: Chunk,
  unit: Unit,
  room: number,
  isForced: boolean,
): readonly [Chunk, Chunk] | undefined {
  if (items < 2 || (room < 1 && !isForced)) return undefined
  const first = Math.max(1, room)
  const [head, rest] = splitItems(signal, bytes, unit === 'items' ? { firstItems: first } : { firstBytes: first })
  if (!head || !rest || (!isForced && chunkSize(head, unit) > room)) return undefined
  return [head, rest]
}
