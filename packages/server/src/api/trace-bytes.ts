import { splitSpans, tracesToJson } from '@spoor/otlp'

/** Spans that are turned into JSON in one go: some milliseconds. */
const SPANS_AT_ONCE = 500

/**
 * A trace as the store gives it, a chunk at a time, once it is known that there is one; undefined when there is none.
 */
export async function startedTrace(
  chunks: AsyncGenerator<Uint8Array>,
): Promise<AsyncGenerator<Uint8Array> | undefined> {
  const first = await chunks.next()
  if (first.done) return undefined
  async function* all(): AsyncGenerator<Uint8Array> {
    try {
      for (let result = first; !result.done; result = await chunks.next()) yield result.value
    } finally {
      await chunks.return(undefined)
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
