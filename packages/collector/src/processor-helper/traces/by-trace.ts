/** The spans of a request by the trace that they are of, without an object for a span. */
import { createSpanColumns, joinBytes, scanSpans, spanExtractor, type Chunk, type SpanColumns } from '@spoor/otlp'
import { Facts } from './facts.ts'
import { hashOf, isSameId, wordsOf } from './trace-id.ts'

/** One trace of a chunk. Valid within the call that it is handed to. */
export interface ChunkTrace {
  /** The words of the ids of all rows of the chunk; that of this trace begins at `at`. */
  readonly words: Uint32Array
  readonly at: number
  readonly spans: number
  /** Whether a span without a parent is among them. */
  readonly hasRoot: boolean
  /** What is known of its spans, and in which row. */
  readonly facts: Facts
  readonly factsRow: number
  /**
   * A request of its spans, in their order, with resource and scope as they came. Bytes of the chunk itself where it has no other trace; else in memory that it shares with those of the other traces. `isByScope`:
   * each scope is in a resource of its own.
   */
  extract(isByScope: boolean): Uint8Array
}

/** Rows from which on arrays are not kept for the next chunk. */
const MANY_ROWS = 65_536

/** Used for one chunk after the other: to make some twenty arrays costs as much as to scan some hundred spans. */
let scratch: { readonly columns: SpanColumns; readonly groups: Groups } | undefined

/**
 * Calls `visit` for each trace of the chunk, in the order in which they first come. It must not be called by `visit`. `isByResource`: a trace
 * comes once for each resource that it has spans of. Throws `OtlpError` where it cannot be scanned.
 */
export function eachTrace(chunk: Chunk, visit: (trace: ChunkTrace) => void, isByResource = false): void {
  const { columns, groups } = (scratch ??= { columns: createSpanColumns(), groups: new Groups() })
  columns.count = 0
  scanSpans(chunk.bytes, columns)
  if (columns.count > MANY_ROWS) scratch = undefined
  if (columns.count === 0) return
  groups.read(columns, isByResource)
  let extract: ReturnType<typeof spanExtractor> | undefined
  for (let group = 0; group < groups.count; group++) {
    visit({
      words: groups.words,
      at: 4 * groups.first[group]!,
      spans: groups.spans[group]!,
      hasRoot: groups.hasRoot[group] === 1,
      facts: groups.facts,
      factsRow: group,
      extract(isByScope) {
        const rows = groups.rowsOf(group)
        const runs = isByScope ? runsOf(rows, columns.scopeStart) : undefined
        const isOne = runs === undefined || runs.length === 1
        if (groups.count === 1 && isOne) return chunk.bytes
        extract ??= spanExtractor(chunk.bytes, columns, true)
        return isOne ? extract(rows) : joinBytes(runs.map(extract))
      },
    })
  }
}

/** Rows divided where the value changes. */
function runsOf(rows: readonly number[], values: ArrayLike<number>): number[][] {
  const runs: number[][] = []
  for (const row of rows) {
    const last = runs.at(-1)
    if (last && values[last[0]!] === values[row]) last.push(row)
    else runs.push([row])
  }
  return runs
}

class Groups {
  count = 0
  /** Those of the chunk alone, which whoever is told of a trace may keep; as are its facts. */
  words: Uint32Array = new Uint32Array(0)
  facts = new Facts(0)
  /** Of each group: its first row, its last one so far, how many it has, and whether a root is among them. */
  first = new Uint32Array(0)
  #last = new Uint32Array(0)
  spans = new Uint32Array(0)
  hasRoot = new Uint8Array(0)
  /** Of each row: its group, and the next one of that. */
  #group = new Uint32Array(0)
  #next = new Uint32Array(0)
  /** Groups by hash, plus one; 0 is free. */
  #slots = new Uint32Array(0)

  read(columns: SpanColumns, isByResource: boolean): void {
    const { count, parentSpanId, resourceStart } = columns
    this.#begin(columns)
    const { words } = this
    const slots = this.#slots
    const mask = 2 ** Math.ceil(Math.log2(2 * count)) - 1
    slots.fill(0, 0, mask + 1)
    for (let row = 0; row < count; row++) {
      let slot = hashOf(words, 4 * row) & mask
      for (; slots[slot] !== 0; slot = (slot + 1) & mask) {
        const first = this.first[slots[slot]! - 1]!
        const isSame = isSameId(words, 4 * first, words, 4 * row)
        if (isSame && (!isByResource || resourceStart[first] === resourceStart[row])) break
      }
      let group = slots[slot]! - 1
      if (group < 0) {
        group = this.count++
        slots[slot] = group + 1
        this.first[group] = row
        this.spans[group] = this.hasRoot[group] = 0
      } else this.#next[this.#last[group]!] = row
      this.#group[row] = group
      this.#last[group] = row
      this.spans[group]!++
      if (isZero(parentSpanId, 8 * row)) this.hasRoot[group] = 1
    }
    this.facts = new Facts(this.count)
    for (let row = 0; row < count; row++) this.facts.addSpan(this.#group[row]!, columns, row)
  }

  #begin({ count, traceId }: SpanColumns): void {
    this.count = 0
    this.words = wordsOf(traceId.slice(0, 16 * count))
    if (count <= this.first.length) return
    const rows = 2 ** Math.ceil(Math.log2(count))
    this.first = new Uint32Array(rows)
    this.#last = new Uint32Array(rows)
    this.spans = new Uint32Array(rows)
    this.hasRoot = new Uint8Array(rows)
    this.#group = new Uint32Array(rows)
    this.#next = new Uint32Array(rows)
    this.#slots = new Uint32Array(2 * rows)
  }

  rowsOf(group: number): number[] {
    const rows: number[] = []
    for (let row = this.first[group]!; rows.length < this.spans[group]!; row = this.#next[row]!) rows.push(row)
    return rows
  }
}

function isZero(bytes: Uint8Array, at: number): boolean {
  for (let i = at; i < at + 8; i++) if (bytes[i] !== 0) return false
  return true
}
