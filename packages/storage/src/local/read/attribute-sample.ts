import { StorageError } from '../../contract.ts'
import { readAttribute, textOf } from '../block/attribute.ts'
import type { BlockRows } from '../block/rows.ts'
import type { Block } from './block.ts'
import { SpanView } from './span-view.ts'
import type { Turn } from './turn.ts'
import { RESOURCE_PLACE, SCOPE_PLACE, SPAN_PLACES, textAt, visitAttributes } from './wire.ts'

/** Spans looked at to say which attribute keys and values there are. */
const SAMPLE_SPANS = 8192
/** Characters of a key or value beyond which it is not listed, and bytes beyond which it is not even read. */
const MAX_TEXT = 1024
const MAX_BYTES = 4 * MAX_TEXT + 64
/** Different keys or values that are counted. */
const MAX_ENTRIES = 50_000
const ENTRY_BYTES = 100

/**
 * Attribute keys, or values of one key, in the newest spans, most frequent first. Those of a resource or scope count once for each time
 * that it was sent. Of spans that cannot be read nothing is listed.
 */
export async function sampleAttributes(
  blocks: readonly Block[],
  key: string | undefined,
  limit: number,
  turn: Turn,
): Promise<string[]> {
  if (!Number.isInteger(limit) || limit < 1) {
    throw new StorageError('bad_query', `limit is ${limit}; a whole number from 1`)
  }
  const counts = new Map<string, number>()
  const visit = (bytes: Uint8Array, start: number, end: number): void => {
    turn.work(50 + end - start)
    const entry = entryOf(bytes, start, end, key)
    if (entry === undefined || entry.length > MAX_TEXT) return
    const count = counts.get(entry)
    if (count !== undefined) counts.set(entry, count + 1)
    else if (counts.size < MAX_ENTRIES && turn.reserve(ENTRY_BYTES + 2 * entry.length)) counts.set(entry, 1)
  }
  let spans = 0
  for (let i = blocks.length - 1; i >= 0 && spans < SAMPLE_SPANS; i--) {
    if (await turn.breathe()) break
    const block = blocks[i]!
    const most = SAMPLE_SPANS - spans
    spans += (await turn.attemptAll(() => sampleBlock(block, block.rows(), most, visit, turn))) ?? 0
  }
  return mostFrequent(counts, limit)
}

type Visit = (bytes: Uint8Array, start: number, end: number) => void

/** Visits the attributes of the last spans of a block, `max` at most, and returns of how many. */
async function sampleBlock(block: Block, rows: BlockRows, max: number, visit: Visit, turn: Turn): Promise<number> {
  const view = new SpanView(block, rows)
  let sampled = 0
  let group = -1
  let resource: number | undefined
  for (let row = rows.count - 1; row >= 0 && sampled < max; row--) {
    if (turn.work(50) && (await turn.breathe())) break
    const read = view.moveWithin(row) ? 0 : turn.attempt(() => view.moveTo(row))
    if (read === undefined) continue
    turn.work(read)
    sampled++
    visitAttributes(view.bytes, ...view.spanRange(), SPAN_PLACES.any, visit)
    if (rows.group[row] === group) continue
    group = rows.group[row]!
    visitAttributes(view.bytes, ...view.scopeRange(), SCOPE_PLACE, visit)
    if (rows.groups[4 * group] === resource) continue
    resource = rows.groups[4 * group]
    visitAttributes(view.bytes, ...view.resourceRange(), RESOURCE_PLACE, visit)
  }
  return sampled
}

/** The key, or the value when its key is the one that is asked for. */
function entryOf(bytes: Uint8Array, start: number, end: number, key: string | undefined): string | undefined {
  const own = textAt(bytes, start, end, [1])
  if (key === undefined) return own
  if (own !== key || end - start > MAX_BYTES) return undefined
  const attribute = readAttribute(bytes, start, end)
  return attribute && textOf(attribute.value)
}

function mostFrequent(counts: ReadonlyMap<string, number>, limit: number): string[] {
  const sorted = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
  return sorted.slice(0, limit).map(([entry]) => entry)
}
