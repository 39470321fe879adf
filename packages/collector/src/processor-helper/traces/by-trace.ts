/** The spans of a request by the trace that they are of, without an object for a span. */
import { columnsOf, joinBytes, spanExtractor, type Chunk, type SpanColumns } from '@spoor/otlp'
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

/** Calls `visit` for each trace of the chunk, in the order in which they first come. Throws `OtlpError` where it cannot be scanned. */
export function eachTrace(chunk: Chunk, visit: (trace: ChunkTrace) => void): void {
  const columns = columnsOf(chunk)
  if (columns.count === 0) return
  const groups = new Groups(columns)
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
        const runs = isByScope ? runsOf(rows, columns.scopeStart) : [rows]
        if (groups.count === 1 && runs.length === 1) return chunk.bytes
        return joinBytes(runs.map((run) => (extract ??= spanExtractor(chunk.bytes, columns, true))(run)))
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
  readonly words: Uint32Array
  /** Of each group: its first row, its last one so far, how many it has, and whether a root is among them. */
  readonly first: Uint32Array
  readonly #last: Uint32Array
  readonly spans: Uint32Array
  readonly hasRoot: Uint8Array
  readonly facts: Facts
  /** Of each row: the next one of its group. */
  readonly #next: Uint32Array

  constructor(columns: SpanColumns) {
    const { count } = columns
    this.words = wordsOf(columns.traceId)
    this.first = new Uint32Array(count)
    this.#last = new Uint32Array(count)
    this.spans = new Uint32Array(count)
    this.hasRoot = new Uint8Array(count)
    this.facts = new Facts(count)
    this.#next = new Uint32Array(count)
    this.#read(columns)
  }

  #read(columns: SpanColumns): void {
    const { count, parentSpanId } = columns
    const { words } = this
    // Groups by hash, plus one; 0 is free.
    const slots = new Uint32Array(2 ** Math.ceil(Math.log2(2 * count)))
    const mask = slots.length - 1
    for (let row = 0; row < count; row++) {
      let slot = hashOf(words, 4 * row) & mask
      while (slots[slot] !== 0 && !isSameId(words, 4 * this.first[slots[slot]! - 1]!, words, 4 * row))
        slot = (slot + 1) & mask
      let group = slots[slot]! - 1
      if (group < 0) {
        group = this.count++
        slots[slot] = group + 1
        this.first[group] = row
      } else this.#next[this.#last[group]!] = row
      this.#last[group] = row
      this.spans[group]!++
      if (isZero(parentSpanId, 8 * row)) this.hasRoot[group] = 1
      this.facts.addSpan(group, columns, row)
    }
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
