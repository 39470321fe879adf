import { joinBytes } from '@spoor/otlp'
import type { TraceStore } from '@spoor/storage'

/** All of a trace as one serialized `TracesData`; undefined when the store has no span of it. */
export async function traceBytes(store: TraceStore, id: string): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = []
  for await (const chunk of store.trace(id)) chunks.push(chunk)
  return chunks.length === 0 ? undefined : joinBytes(chunks)
}

/** Calls `work` on each item, at most `width` at a time; the results are in the order of the items. */
export async function mapWide<T, R>(items: readonly T[], width: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = Array.from({ length: items.length })
  let next = 0
  async function worker(): Promise<void> {
    for (let index = next++; index < items.length; index = next++) results[index] = await work(items[index]!)
  }
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker))
  return results
}
