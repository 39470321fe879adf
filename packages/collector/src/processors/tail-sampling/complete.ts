import { someItem, type Chunk } from '@spoor/otlp'

/** Whether no span of it misses its parent: of a trace that has its root, nothing is open then, as far as can be seen. */
export function isComplete(chunks: readonly Chunk[]): boolean {
  const ids = new Set<string>()
  const parents = new Set<string>()
  for (const { bytes } of chunks)
    someItem('traces', bytes, {
      item({ spanId, parentSpanId }) {
        ids.add(spanId)
        if (parentSpanId !== '') parents.add(parentSpanId)
        return false
      },
    })
  return [...parents].every((parent) => ids.has(parent))
}
