import { StorageError, type Level } from '../../contract.ts'
import { readAttribute, textOf } from '../block/attribute.ts'
import type { BlockRows } from '../block/rows.ts'
import type { Block } from './block.ts'
import { LEVELS } from './filter/compile.ts'
import { SpanView } from './span-view.ts'
import type { Turn } from './turn.ts'
import {
  RESOURCE_PLACE,
  SCOPE_PLACE,
  SPAN_PLACES,
  textAt,
  visitAttributes,
  visitKey,
  type AttributePlace,
} from './wire.ts'

/** Spans looked at to say which attribute keys and values there are. */
const SAMPLE_SPANS = 8192
/** Characters of a key or value beyond which it is not listed, and bytes beyond which it is not even read. */
const MAX_TEXT = 1024
const MAX_BYTES = 4 * MAX_TEXT + 64
/** Different keys or values that are counted. */
const MAX_ENTRIES = 50_000
const ENTRY_BYTES = 100

const encoder = new TextEncoder()

/**
 * Attribute keys at a level, or values of one key, in the newest spans, most frequent first. Those of a resource or scope count once for each time
 * that it was sent. Of spans that cannot be read nothing is listed.
 */
export async function sampleAttributes(
  blocks: readonly Block[],
  { key, level = 'any' }: { readonly key?: string; readonly level?: Level },
  limit: number,
  turn: Turn,
): Promise<string[]> {
  if (!LEVELS.has(level)) throw new StorageError('bad_query', `level is ${level}; one of ${[...LEVELS].join(', ')}`)
  if (!Number.isInteger(limit) || limit < 1) {
    throw new StorageError('bad_query', `limit is ${limit}; a whole number from 1`)
  }
  const counts = new Map<string, number>()
  const add: Add = (entry, times) => {
    if (entry.length > MAX_TEXT) return
    const count = counts.get(entry)
    if (count !== undefined) counts.set(entry, count + times)
    else if (counts.size < MAX_ENTRIES && turn.reserve(ENTRY_BYTES + 2 * entry.length)) counts.set(entry, times)
  }
  const text = encoder.encode(key)
  const look: Look = (bytes, start, end, place) => {
    turn.work(50 + end - start)
    if (key === undefined)
      visitAttributes(bytes, start, end, place, (_, from, to) => add(textAt(bytes, from, to, [1]), 1))
    else visitKey(bytes, start, end, place, text, (from, to) => addValue(bytes, from, to, add))
  }
  let spans = 0
  for (let i = blocks.length - 1; i >= 0 && spans < SAMPLE_SPANS; i--) {
    if (await turn.breathe()) break
    const block = blocks[i]!
    const most = SAMPLE_SPANS - spans
    spans += (await turn.attemptAll(() => sampleBlock(block, { key, level }, most, add, look, turn))) ?? 0
  }
  return mostFrequent(counts, limit)
}

type Add = (entry: string, times: number) => void
/** Looks for attributes in a message. */
type Look = (bytes: Uint8Array, start: number, end: number, place: AttributePlace) => void

/**
 * Counts what is in the last spans of a block, `max` at most, and returns of how many: from its columns, where it has such, without a look at their bytes.
 * There what belongs to a resource or scope counts once for each span.
 */
async function sampleBlock(
  block: Block,
  { key, level }: { readonly key: string | undefined; readonly level: Level },
  max: number,
  add: Add,
  look: Look,
  turn: Turn,
): Promise<number> {
  const keys = key === undefined ? block.keyCounts?.(level) : undefined
  if (keys) {
    for (const [known, times] of keys) add(known, times)
    return block.spans
  }
  const rows = block.rows()
  const first = Math.max(0, rows.count - max)
  const values = key === undefined ? undefined : block.values({ attribute: key })
  if (!values) return sampleRows(block, rows, lastFirst(first, rows.count), level, look, turn)
  for (const column of values.columns) {
    const { size, codes, offsets } = column
    const [from, to] = offsets ? [offsets[first]!, offsets[rows.count]!] : [first, rows.count]
    if (turn.work(to - from + 50 * size) && (await turn.breathe())) return 0
    const times = new Uint32Array(size + 1)
    for (let i = from; i < to; i++) times[codes[i]!]!++
    for (let code = 1; code <= size; code++) if (times[code]! > 0) add(String(column.value(code - 1)), times[code]!)
  }
  await sampleRows(block, rows, values.unread?.filter((row) => row >= first).toReversed() ?? [], level, look, turn)
  return rows.count - first
}

function lastFirst(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => to - 1 - i)
}

/** Visits the attributes of some spans of a block, the last ones first, and returns of how many. */
async function sampleRows(
  block: Block,
  rows: BlockRows,
  members: Iterable<number>,
  level: Level,
  look: Look,
  turn: Turn,
): Promise<number> {
  const view = new SpanView(block, rows)
  let sampled = 0
  let group = -1
  let resource: number | undefined
  for (const row of members) {
    if (turn.work(50) && (await turn.breathe())) break
    const read = view.moveWithin(row) ? 0 : turn.attempt(() => view.moveTo(row))
    if (read === undefined) continue
    turn.work(read)
    sampled++
    if (level !== 'resource' && level !== 'scope') look(view.bytes, ...view.spanRange(), SPAN_PLACES[level])
    if (rows.group[row] === group) continue
    group = rows.group[row]!
    if (level === 'any' || level === 'scope') look(view.bytes, ...view.scopeRange(), SCOPE_PLACE)
    if (rows.groups[4 * group] === resource) continue
    resource = rows.groups[4 * group]
    if (level === 'any' || level === 'resource') look(view.bytes, ...view.resourceRange(), RESOURCE_PLACE)
  }
  return sampled
}

function addValue(bytes: Uint8Array, start: number, end: number, add: Add): void {
  const attribute = end - start > MAX_BYTES ? undefined : readAttribute(bytes, start, end)
  if (attribute) add(textOf(attribute.value), 1)
}

function mostFrequent(counts: ReadonlyMap<string, number>, limit: number): string[] {
  const sorted = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
  return sorted.slice(0, limit).map(([entry]) => entry)
}
