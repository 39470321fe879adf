import { createSpanColumns, scanSpans } from '@spoor/otlp'
import { readAttribute, textOf } from '../block/attribute.ts'
import type { Block } from './catalog.ts'
import type { Turn } from './turn.ts'

/** Spans looked at to say which attribute keys and values there are. */
const SAMPLE_SPANS = 8192

/**
 * Attribute keys, or values of one key, in the newest spans, most frequent first. Those of a resource or scope count once for each time
 * that it was sent.
 */
export async function sampleAttributes(
  blocks: readonly Block[],
  key: string | undefined,
  limit: number,
  turn: Turn,
): Promise<string[]> {
  const counts = new Map<string, number>()
  const visitor = {
    attribute: (bytes: Uint8Array, start: number, end: number): void => {
      const attribute = readAttribute(bytes, start, end)
      if (!attribute || (key !== undefined && attribute.key !== key)) return
      const entry = key === undefined ? attribute.key : textOf(attribute.value)
      counts.set(entry, (counts.get(entry) ?? 0) + 1)
    },
  }
  const columns = createSpanColumns(1024)
  let spans = 0
  for (let i = blocks.length - 1; i >= 0; i--) {
    const { frames } = blocks[i]!.rows()
    for (let f = frames.length - 1; f >= 0; f--) {
      if (spans >= SAMPLE_SPANS || (await turn.breathe())) return mostFrequent(counts, limit)
      columns.count = 0
      try {
        scanSpans(blocks[i]!.frame(frames[f]!), columns, visitor)
      } catch {
        continue // Damaged: a sample can do without.
      }
      spans += columns.count
    }
  }
  return mostFrequent(counts, limit)
}

function mostFrequent(counts: ReadonlyMap<string, number>, limit: number): string[] {
  const sorted = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
  return sorted.slice(0, limit).map(([entry]) => entry)
}
