import { someItem, type Chunk } from '@spoor/otlp'

/** Whether a trace has one root, and no span of it misses its parent: as far as can be seen, nothing of it is open. */
export function isComplete(chunks: readonly Chunk[]): boolean {
  const ids = new Set<string>()
  const parents = new Set<string>()
  let roots = 0
  for (const { bytes } of chunks)
    someItem('traces', bytes, {
      item({ spanId, parentSpanId }) {
        ids.add(spanId)
        if (parentSpanId === '') roots++
        else parents.add(parentSpanId)
        return false
      },
    })
  return roots === 1 && [...parents].every((parent) => ids.has(parent))
}
