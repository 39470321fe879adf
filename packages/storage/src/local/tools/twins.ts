import { createHash } from 'node:crypto'
import type { OperationKey, BlockRows } from '../block/rows.ts'
import type { Block } from '../read/block.ts'
import { SEED } from '../read/trace-ids.ts'
import type { Turn } from '../read/turn.ts'
import { eachRows, type Selection } from './selection.ts'
import type { Work } from './work.ts'

/** Headers that are compared at a time: 48 MiB. Where there are more spans they are gone through part by part. */
const TABLE_SLOTS = 1 << 22
const MAX_LOAD = 0.7
/** Words by which headers are compared: two that differ are taken for the same with a probability of 2^-95. */
const WORDS = 3

/**
 * Takes from the selection every span but the first of those that have the same header: trace id, span id, parent, start, duration, kind, status,
 * service and name. Returns how many that were. `slots`: places of the table, a power of two.
 */
export async function dropTwins(
  blocks: readonly Block[],
  selection: Selection,
  turn: Turn,
  work: Work,
  slots = TABLE_SLOTS,
): Promise<number> {
  const spans = selection.reduce((sum, set) => sum + (set?.size ?? 0), 0)
  const parts = Math.ceil(spans / (slots * MAX_LOAD))
  const headers = new HeaderSet(Math.min(slots, tableSlots(spans)))
  let twins = 0
  for (let part = 0; part < parts; part++) {
    headers.clear()
    await eachRows(blocks, turn, work, (rows, index) => {
      const set = selection[index]
      if (!set) return
      const hashes = hashesOf(rows)
      for (const row of set.members(rows.count)) {
        const hash = hashes(row)
        if (hash[0]! % parts !== part || headers.add(hash)) continue
        set.delete(row)
        twins++
      }
    })
  }
  return twins
}

/** What makes of a row the words by which it is known. What it returns is the same array each time. */
function hashesOf(rows: BlockRows): (row: number) => Uint32Array {
  const operations = Uint32Array.from(rows.operations.flatMap(operationWords))
  const duration = new Uint32Array(2)
  const durationNs = new Float64Array(duration.buffer)
  const hash = new Uint32Array(WORDS)
  const { traceIds, trace, spanId, parentId, startLo, startHi, status, operation } = rows
  return (row) => {
    const id = 4 * trace[row]!
    durationNs[0] = rows.durationNs[row]!
    for (let lane = 0; lane < WORDS; lane++) {
      let h = SEED ^ Math.imul(lane + 1, 0x9e3779b1)
      h = mix(mix(mix(mix(h, traceIds[id]!), traceIds[id + 1]!), traceIds[id + 2]!), traceIds[id + 3]!)
      h = mix(mix(mix(mix(h, spanId[2 * row]!), spanId[2 * row + 1]!), parentId[2 * row]!), parentId[2 * row + 1]!)
      h = mix(mix(mix(mix(h, startLo[row]!), startHi[row]!), duration[0]!), duration[1]!)
      h = mix(mix(mix(h, operations[2 * operation[row]!]!), operations[2 * operation[row]! + 1]!), status[row]!)
      h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
      hash[lane] = h ^ (h >>> 13)
    }
    return hash
  }
}

function mix(h: number, word: number): number {
  const mixed = Math.imul(h ^ word, 0x5bd1e995)
  return mixed ^ (mixed >>> 15)
}

/** Service, name and kind have other numbers in each block. */
function operationWords({ service, name, kind }: OperationKey): number[] {
  const digest = createHash('sha256')
    .update(JSON.stringify([service, name, kind]))
    .digest()
  return [digest.readUInt32LE(0), digest.readUInt32LE(4)]
}

function tableSlots(spans: number): number {
  let slots = 1 << 10
  while (slots * MAX_LOAD < spans) slots *= 2
  return slots
}

/** A set of headers in one flat table. */
class HeaderSet {
  readonly #table: Uint32Array
  readonly #mask: number

  constructor(slots: number) {
    this.#table = new Uint32Array(WORDS * slots)
    this.#mask = slots - 1
  }

  /** False when it is known already. */
  add(hash: Uint32Array): boolean {
    const table = this.#table
    const [a, b] = [hash[0]!, hash[1]!]
    // An empty place has a zero here.
    const c = (hash[2]! | 1) >>> 0
    let slot = b & this.#mask
    for (let at = WORDS * slot; table[at + 2] !== 0; at = WORDS * slot) {
      if (table[at] === a && table[at + 1] === b && table[at + 2] === c) return false
      slot = (slot + 1) & this.#mask
    }
    table[WORDS * slot] = a
    table[WORDS * slot + 1] = b
    table[WORDS * slot + 2] = c
    return true
  }

  clear(): void {
    this.#table.fill(0)
  }
}
