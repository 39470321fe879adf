import type { ServiceShare, TraceSummary } from '../../contract.ts'
import { traceHash, type Block } from './catalog.ts'
import { rowsOfTrace, startOf, traceIndex, type BlockRows } from '../block/rows.ts'

/** What one block holds of a trace. */
export interface TracePart {
  readonly block: Block
  readonly rows: BlockRows
  /** Ascending row numbers. */
  readonly members: readonly number[]
}

/** The parts of a trace in the order in which they came. Every block is asked: late spans may be anywhere. */
export function findTrace(blocks: readonly Block[], id: Uint32Array): TracePart[] {
  const parts: TracePart[] = []
  const hash = traceHash(id)
  for (const block of blocks) {
    if (!block.mayHaveTrace(hash)) continue
    const rows = block.rows()
    const index = traceIndex(rows, id)
    const members = index < 0 ? [] : rowsOfTrace(rows, index)
    if (members.length > 0) parts.push({ block, rows, members })
  }
  return parts
}

/** A span as the summary needs it; times are nanoseconds from the first span looked at. */
interface Node {
  readonly id: bigint
  readonly parentId: bigint
  readonly start: number
  readonly end: number
  readonly service: string
  readonly name: string
  readonly error: boolean
  readonly children: Node[]
}

/**
 * The summary of a trace from its columns. Spans that are the same in all columns (sent twice by a retry) count once. `parts` must not
 * be empty.
 */
export function summarize(traceId: string, parts: readonly TracePart[]): TraceSummary {
  const { rows, members } = parts[0]!
  const base = startOf(rows, members[0]!)
  const byId = new Map<bigint, Node>()
  const nodes = readNodes(parts, base, byId)
  let first = Infinity
  const last = lastEnd(parts)
  let errors = 0
  let orphans = 0
  let root: Node | undefined
  let orphan: Node | undefined
  for (const node of nodes) {
    first = Math.min(first, node.start)
    if (node.error) errors++
    const parent = node.parentId === 0n ? undefined : byId.get(node.parentId)
    if (node.parentId === 0n) {
      if (!root || node.start < root.start) root = node
    } else if (!parent) {
      orphans++
      if (!orphan || node.start < orphan.start) orphan = node
    } else if (parent !== node) parent.children.push(node)
  }
  const top = root ?? orphan ?? nodes.reduce((a, b) => (b.start < a.start ? b : a))
  return {
    traceId,
    rootService: top.service,
    rootName: top.name,
    start: base + BigInt(first),
    durationNs: Number(last - base - BigInt(first)),
    spans: nodes.length,
    errors,
    orphans,
    services: shares(nodes),
  }
}

/** Exact also where starts and durations are out of all proportion, as the search's trace table has it. */
function lastEnd(parts: readonly TracePart[]): bigint {
  let last: bigint | undefined
  for (const { rows, members } of parts) {
    for (const row of members) {
      const end = startOf(rows, row) + BigInt(rows.durationNs[row]!)
      if (last === undefined || end > last) last = end
    }
  }
  return last!
}

function readNodes(parts: readonly TracePart[], base: bigint, byId: Map<bigint, Node>): Node[] {
  const nodes: Node[] = []
  const same = new Map<bigint, Node[]>()
  for (const { rows, members } of parts) {
    for (const row of members) {
      const operation = rows.operations[rows.operation[row]!]!
      const start = Number(startOf(rows, row) - base)
      const node: Node = {
        id: wide(rows.spanId, row),
        parentId: wide(rows.parentId, row),
        start,
        end: start + rows.durationNs[row]!,
        service: operation.service,
        name: operation.name,
        error: rows.status[row] === 2,
        children: [],
      }
      const twins = same.get(node.id)
      if (twins?.some((twin) => isSame(twin, node))) continue
      if (twins) twins.push(node)
      else same.set(node.id, [node])
      if (node.id !== 0n && !byId.has(node.id)) byId.set(node.id, node)
      nodes.push(node)
    }
  }
  return nodes
}

function isSame(a: Node, b: Node): boolean {
  return (
    a.start === b.start &&
    a.end === b.end &&
    a.parentId === b.parentId &&
    a.name === b.name &&
    a.service === b.service &&
    a.error === b.error
  )
}

function shares(nodes: readonly Node[]): ServiceShare[] {
  const byName = new Map<string, { name: string; spans: number; errors: number; selfTimeNs: number }>()
  for (const node of nodes) {
    let share = byName.get(node.service)
    if (!share) byName.set(node.service, (share = { name: node.service, spans: 0, errors: 0, selfTimeNs: 0 }))
    share.spans++
    if (node.error) share.errors++
    share.selfTimeNs += selfTime(node)
  }
  return [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** The span's time less the union of its children's, as far as they lie in it. */
function selfTime({ start, end, children }: Node): number {
  let self = Math.max(0, end - start)
  let covered = start
  for (const child of children.sort((a, b) => a.start - b.start)) {
    const from = Math.max(covered, child.start)
    const to = Math.min(end, child.end)
    if (to > from) {
      self -= to - from
      covered = to
    }
  }
  return self
}

function wide(words: Uint32Array, row: number): bigint {
  return (BigInt(words[2 * row]!) << 32n) | BigInt(words[2 * row + 1]!)
}

/** 32 hex digits as the four words that the columns have. */
export function traceWords(id: string): Uint32Array {
  return new Uint32Array(Uint8Array.from(Buffer.from(id, 'hex')).buffer)
}

export function traceHex(rows: BlockRows, index: number): string {
  const words = rows.traceIds.slice(4 * index, 4 * index + 4)
  return Buffer.from(words.buffer).toString('hex')
}
