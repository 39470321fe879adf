import type { Dependencies } from '../../contract.ts'
import type { Block } from './catalog.ts'
import { hashWords } from '../block/hash.ts'
import { startOf, type BlockRows } from '../block/rows.ts'
import type { Turn } from './turn.ts'

/**
 * Calls between services over spans that start in `[from, to)`. First each block resolves the parents that are in itself, which
 * are most; those that are left are then looked for in all blocks, as a parent may have come earlier, later, or started before the
 * range.
 */
export async function dependencies(
  blocks: readonly Block[],
  from: bigint,
  to: bigint,
  turn: Turn,
): Promise<Dependencies> {
  const edges = new Map<string, Map<string, { calls: number; errors: number }>>()
  const count = (parent: string, child: string, calls: number, errors: number): void => {
    if (parent === child) return
    let children = edges.get(parent)
    if (!children) edges.set(parent, (children = new Map()))
    const edge = children.get(child)
    if (edge) {
      edge.calls += calls
      edge.errors += errors
    } else children.set(child, { calls, errors })
  }
  const waiting = new SpanMap<Map<string, { calls: number; errors: number }>>()
  for (const block of blocks) {
    if (await turn.breathe()) break
    if (block.spans === 0 || block.maxStart < from || block.minStart >= to) continue
    resolveInBlock(block.rows(), from, to, waiting, count)
  }
  for (let i = blocks.length - 1; i >= 0 && waiting.size > 0; i--) {
    if (await turn.breathe()) break
    resolveElsewhere(blocks[i]!.rows(), waiting, count)
  }
  const sorted = [...edges]
    .flatMap(([parent, children]) =>
      [...children].map(([child, { calls, errors }]) => ({ parent, child, calls, errors })),
    )
    .sort((a, b) => (a.parent === b.parent ? (a.child < b.child ? -1 : 1) : a.parent < b.parent ? -1 : 1))
  return { edges: sorted, complete: !turn.stopped }
}

type Count = (parent: string, child: string, calls: number, errors: number) => void
type Waiting = SpanMap<Map<string, { calls: number; errors: number }>>

function resolveInBlock(rows: BlockRows, from: bigint, to: bigint, waiting: Waiting, count: Count): void {
  const { spanId, parentId, trace, operations, operation, status } = rows
  // Row + 1 by trace and span id, in one open-addressing table.
  const mask = 2 ** Math.ceil(Math.log2(2 * rows.count + 1)) - 1
  const table = new Int32Array(mask + 1)
  for (let row = 0; row < rows.count; row++) {
    let slot = hashWords(trace[row]!, spanId[2 * row]!, spanId[2 * row + 1]!, 0) & mask
    while (table[slot] !== 0) slot = (slot + 1) & mask
    table[slot] = row + 1
  }
  const find = (traceIndex: number, lo: number, hi: number): number => {
    let slot = hashWords(traceIndex, lo, hi, 0) & mask
    for (let row = table[slot]! - 1; row >= 0; row = table[slot]! - 1) {
      if (trace[row] === traceIndex && spanId[2 * row] === lo && spanId[2 * row + 1] === hi) return row
      slot = (slot + 1) & mask
    }
    return -1
  }
  for (let row = 0; row < rows.count; row++) {
    const lo = parentId[2 * row]!
    const hi = parentId[2 * row + 1]!
    if (lo === 0 && hi === 0) continue
    const start = startOf(rows, row)
    if (start < from || start >= to) continue
    const child = operations[operation[row]!]!.service
    const error = status[row] === 2 ? 1 : 0
    const parent = find(trace[row]!, lo, hi)
    if (parent >= 0) count(operations[operation[parent]!]!.service, child, 1, error)
    else {
      const children = waiting.get(rows, trace[row]!, lo, hi) ?? waiting.set(rows, trace[row]!, lo, hi, new Map())
      const edge = children.get(child)
      children.set(child, { calls: (edge?.calls ?? 0) + 1, errors: (edge?.errors ?? 0) + error })
    }
  }
}

function resolveElsewhere(rows: BlockRows, waiting: Waiting, count: Count): void {
  for (let row = 0; row < rows.count; row++) {
    const lo = rows.spanId[2 * row]!
    const hi = rows.spanId[2 * row + 1]!
    const children = waiting.get(rows, rows.trace[row]!, lo, hi)
    if (!children) continue
    const parent = rows.operations[rows.operation[row]!]!.service
    for (const [child, { calls, errors }] of children) count(parent, child, calls, errors)
    waiting.delete(rows, rows.trace[row]!, lo, hi)
  }
}

/** Values by trace id and span id, across blocks. */
class SpanMap<V> {
  readonly #buckets = new Map<number, { readonly key: readonly number[]; readonly value: V }[]>()
  size = 0

  get(rows: BlockRows, trace: number, lo: number, hi: number): V | undefined {
    const bucket = this.#buckets.get(this.#hash(rows, trace, lo, hi))
    return bucket?.find(({ key }) => isKey(key, rows, trace, lo, hi))?.value
  }

  set(rows: BlockRows, trace: number, lo: number, hi: number, value: V): V {
    const hash = this.#hash(rows, trace, lo, hi)
    const entry = { key: [...rows.traceIds.subarray(4 * trace, 4 * trace + 4), lo, hi], value }
    const bucket = this.#buckets.get(hash)
    if (bucket) bucket.push(entry)
    else this.#buckets.set(hash, [entry])
    this.size++
    return value
  }

  delete(rows: BlockRows, trace: number, lo: number, hi: number): void {
    const hash = this.#hash(rows, trace, lo, hi)
    const left = this.#buckets.get(hash)!.filter(({ key }) => !isKey(key, rows, trace, lo, hi))
    if (left.length > 0) this.#buckets.set(hash, left)
    else this.#buckets.delete(hash)
    this.size--
  }

  #hash({ traceIds }: BlockRows, trace: number, lo: number, hi: number): number {
    return hashWords(
      traceIds[4 * trace]! ^ traceIds[4 * trace + 2]!,
      traceIds[4 * trace + 1]! ^ traceIds[4 * trace + 3]!,
      lo,
      hi,
    )
  }
}

function isKey(key: readonly number[], { traceIds }: BlockRows, trace: number, lo: number, hi: number): boolean {
  const at = 4 * trace
  return (
    key[0] === traceIds[at] &&
    key[1] === traceIds[at + 1] &&
    key[2] === traceIds[at + 2] &&
    key[3] === traceIds[at + 3] &&
    key[4] === lo &&
    key[5] === hi
  )
}
