import { hashWords } from '../block/hash.ts'
import type { BlockRows, OperationKey } from '../block/rows.ts'
import { SEED } from './trace-ids.ts'
import type { Turn } from './turn.ts'

/** Spans of one generation: when there are so many, the generation before is forgotten. */
const MAX_SPANS = 1 << 20
const INITIAL = 1 << 10
/** Of a place in a table, which is at most half full. */
const PLACE_BYTES = 8

interface Columns extends Pick<
  BlockRows,
  'trace' | 'traceIds' | 'spanId' | 'parentId' | 'startLo' | 'startHi' | 'durationNs' | 'status' | 'operation'
> {
  readonly rows: BlockRows
  /** The hash of each operation. */
  readonly operations: Int32Array
}

/**
 * Knows the last million spans that were asked about, and more, so that one which was sent twice counts once: a request that is sent again comes soon
 * after, though perhaps in another block. A span is known by a hash of 64 bits over all that its header has.
 */
export class RecentSpans {
  readonly #turn: Pick<Turn, 'mayReserve'>
  #young = new Int32Array(2 * INITIAL)
  #old = new Int32Array(2 * INITIAL)
  #size = 0
  readonly #operations = new WeakMap<readonly OperationKey[], Int32Array>()
  /** What is hashed of the rows at hand: of a sealed section it is looked up by name, each time that it is asked for. */
  #columns: Columns | undefined
  #low = 0
  #high = 0

  constructor(turn: Pick<Turn, 'mayReserve'>) {
    this.#turn = turn
  }

  /** Whether the span of this row is not known; it is from now on. */
  isNew(rows: BlockRows, row: number): boolean {
    this.#hash(rows, row)
    if (this.#has(this.#old) || this.#has(this.#young)) return false
    if (4 * (this.#size + 1) > this.#young.length && !this.#makeRoom()) {
      this.#old = this.#young
      this.#young = new Int32Array(this.#old.length)
      this.#size = 0
    }
    this.#put(this.#young, this.#low, this.#high)
    this.#size++
    return true
  }

  #hash(rows: BlockRows, row: number): void {
    if (rows !== this.#columns?.rows) this.#columns = this.#columnsOf(rows)
    const { trace, traceIds, spanId, parentId, startLo, startHi, durationNs, status, operations } = this.#columns
    const at = 4 * trace[row]!
    const operation = operations[this.#columns.operation[row]!]!
    const duration = durationNs[row]!
    const a = hashWords(traceIds[at]! ^ SEED, traceIds[at + 1]!, traceIds[at + 2]!, traceIds[at + 3]!)
    const b = hashWords(spanId[2 * row]!, spanId[2 * row + 1]!, parentId[2 * row]!, parentId[2 * row + 1]!)
    const c = hashWords(startLo[row]!, startHi[row]!, duration | 0, Math.floor(duration / 2 ** 32))
    // 0 0 is a free place.
    this.#low = hashWords(a, b, c, operation ^ status[row]!) | 1
    this.#high = hashWords(c, operation ^ (status[row]! << 8), b, a ^ SEED)
  }

  #columnsOf(rows: BlockRows): Columns {
    const { trace, traceIds, spanId, parentId, startLo, startHi, durationNs, status, operation } = rows
    const operations = this.#operationsOf(rows)
    return { rows, trace, traceIds, spanId, parentId, startLo, startHi, durationNs, status, operation, operations }
  }

  #operationsOf({ operations }: BlockRows): Int32Array {
    let hashes = this.#operations.get(operations)
    if (!hashes) this.#operations.set(operations, (hashes = Int32Array.from(operations, hashOperation)))
    return hashes
  }

  #has(table: Int32Array): boolean {
    const mask = table.length - 1
    for (let at = (2 * this.#low) & mask; table[at] !== 0; at = (at + 2) & mask)
      if (table[at] === this.#low && table[at + 1] === this.#high) return true
    return false
  }

  #put(table: Int32Array, low: number, high: number): void {
    const mask = table.length - 1
    let at = (2 * low) & mask
    while (table[at] !== 0) at = (at + 2) & mask
    table[at] = low
    table[at + 1] = high
  }

  /** False when the generation is full, or there is no memory for it to grow. */
  #makeRoom(): boolean {
    const before = this.#young
    if (this.#size >= MAX_SPANS || !this.#turn.mayReserve(PLACE_BYTES * before.length)) return false
    this.#young = new Int32Array(2 * before.length)
    for (let at = 0; at < before.length; at += 2)
      if (before[at] !== 0) this.#put(this.#young, before[at]!, before[at + 1]!)
    return true
  }
}

function hashOperation({ service, name, kind }: OperationKey): number {
  let hash = kind
  for (const text of [service, name]) {
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
    hash = Math.imul(hash ^ text.length, 0x5bd1e995)
  }
  return hash
}
