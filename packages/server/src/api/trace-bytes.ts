import { joinBytes, splitSpans, tracesToJson } from '@spoor/otlp'
import type { TraceStore } from '@spoor/storage'

/** Spans that are turned into JSON in one go: some milliseconds. */
const SPANS_AT_ONCE = 500

/** All of a trace as one serialized `TracesData`; undefined when the store has no span of it. */
export async function traceBytes(store: TraceStore, id: string): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = []
  for await (const chunk of store.trace(id)) chunks.push(chunk)
  return chunks.length === 0 ? undefined : joinBytes(chunks)
}

/**
 * A trace as the store gives it, a chunk at a time, once it is known that there is one; undefined when there is none.
 */
export async function traceChunks(store: TraceStore, id: string): Promise<AsyncIterable<Uint8Array> | undefined> {
  const chunks = store.trace(id)[Symbol.asyncIterator]()
  const first = await chunks.next()
  if (first.done) return undefined
  async function* all(): AsyncGenerator<Uint8Array> {
    try {
      for (let result = first; !result.done; result = await chunks.next()) yield result.value
    } finally {
      await chunks.return?.()
    }
  }
  return all()
}

/** Pieces of the OTLP/JSON text of chunks that together are one message. */
export async function* otlpJson(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const [open, close] = ['{"resourceSpans":[', ']}'] as const
  yield open
  let isFirst = true
  for await (const chunk of chunks) {
    for (const part of splitSpans(chunk, SPANS_AT_ONCE)) {
      const text = tracesToJson(part)
      // Each part is a request of its own; what stands between the brackets is one more piece of the list.
      const items = text.slice(open.length, -close.length)
      if (items === '') continue
      yield isFirst ? items : `,${items}`
      isFirst = false
    }
  }
  yield close
}

/** Calls `work` on each item, at most `width` ahead of the reader; the results come in the order of the items. */
export async function* readAhead<T, R>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const pending: Promise<R>[] = []
  let next = 0
  while (next < items.length || pending.length > 0) {
    while (next < items.length && pending.length < width) {
      const result = work(items[next++]!)
      // Whoever stops reading early leaves results that nobody waits for.
      result.catch(() => {})
      pending.push(result)
    }
    yield await pending.shift()!
  }
}
