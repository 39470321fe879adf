import type { BlockRows } from '../block/rows.ts'
import { traceHash, type Block } from './block.ts'
import type { Turn } from './turn.ts'

/** What the blocks have of one trace. */
export interface TraceParts {
  /** Four words, as in the columns. */
  readonly id: Uint32Array
  /** In the order of the blocks; none is empty. */
  readonly parts: readonly TracePart[]
}

export interface TracePart {
  readonly block: Block
  /** Of this trace and no other. */
  readonly rows: BlockRows
}

/** The blocks that may have a trace: every block is asked, as late spans may be anywhere. Undefined when there was no time for it. */
export async function blocksOf(blocks: readonly Block[], id: Uint32Array, turn: Turn): Promise<Block[] | undefined> {
  const hash = traceHash(id)
  const asked: Block[] = []
  for (const block of blocks) {
    if (turn.work(30) && (await turn.breathe())) return undefined
    if (block.mayHaveTrace(hash)) asked.push(block)
  }
  return asked
}

/** Gathers a trace's rows. What cannot be read is left out. Undefined when there are none, or there was no time for it. `blocks`: that may have it. */
export async function gatherTrace(
  blocks: readonly Block[],
  id: Uint32Array,
  turn: Turn,
): Promise<TraceParts | undefined> {
  const parts: TracePart[] = []
  for (const block of blocks) {
    const rows = turn.attempt(() => block.traceRows(id))
    if (turn.work(block.spans) && (await turn.breathe())) return undefined
    if (rows) parts.push({ block, rows })
  }
  return parts.length === 0 ? undefined : { id, parts }
}

/** 32 hex digits as the four words that the columns have. */
export function traceWords(id: string): Uint32Array {
  return new Uint32Array(Uint8Array.from(Buffer.from(id, 'hex')).buffer)
}

/** The 32 hex digits of an id's four words. */
export function traceHex(id: Uint32Array): string {
  return Buffer.from(id.buffer, id.byteOffset, 16).toString('hex')
}
