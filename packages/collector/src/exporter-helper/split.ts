/** Dividing batches: between the chunks that came, and within a chunk where that can be done without changing an item. */
import { columnsOf, createBatch, extractSpans, type Chunk, type Signal, type TelemetryBatch } from '@spoor/otlp'

/** What the size of a batch is counted in. */
export type Unit = 'items' | 'bytes'

export function sizeOf({ items, byteLength }: Pick<TelemetryBatch, 'items' | 'byteLength'>, unit: Unit): number {
  return unit === 'items' ? items : byteLength
}

/**
 * Two batches, of which the first is as large as it can be without being larger than `room`, and the second is the rest. Undefined where
 * nothing fits into the room, or the batch cannot be divided (one item; a chunk of metrics or logs).
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

/** Each part repeats the resource and scope of its items, so that the bytes of a part are known only when it is made. */
function divideChunk(
  signal: Signal,
  chunk: Chunk,
  unit: Unit,
  room: number,
  isForced: boolean,
): readonly [Chunk, Chunk] | undefined {
  const { items, bytes } = chunk
  if (signal !== 'traces' || items < 2) return undefined
  const columns = columnsOf(chunk)
  const part = (from: number, to: number): Chunk => {
    const rows = Array.from({ length: to - from }, (_, index) => from + index)
    return { bytes: extractSpans(bytes, rows, columns), items: to - from }
  }
  const fewest = isForced ? 1 : 0
  let count = Math.min(items - 1, unit === 'items' ? Math.floor(room) : Math.floor((items * room) / bytes.length))
  while (count > fewest) {
    const head = part(0, count)
    if (chunkSize(head, unit) <= room) return [head, part(count, items)]
    count = Math.min(count - 1, Math.floor((count * room) / head.bytes.length))
  }
  return isForced ? [part(0, 1), part(1, items)] : undefined
}
