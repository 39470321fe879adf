import type { Block } from '../block.ts'
import type { Turn } from '../turn.ts'

/** Blocks that come in parts, each of which can be forgotten before the next: all that there is of a trace is in one of them. A range without ends has to be given some before. */
export interface BlockParts {
  /** How many blocks there are, about. */
  readonly size: number
  /** All parts of one of two sets that are compared, or of the only one. */
  each(side: 'a' | 'b'): AsyncIterable<readonly Block[]>
}

/** What is counted: all blocks that there are, or parts. */
export type Blocks = readonly Block[] | BlockParts

function isWhole(blocks: Blocks): blocks is readonly Block[] {
  return Array.isArray(blocks)
}

/** All blocks, where they are at hand. */
export function wholeOf(blocks: Blocks): readonly Block[] {
  return isWhole(blocks) ? blocks : []
}

export function sizeOf(blocks: Blocks): number {
  return isWhole(blocks) ? blocks.length : blocks.size
}

/** What is done with a part, within the turn of the part; true: that is enough. */
export type PartWork = (blocks: readonly Block[], turn: Turn, isPart: boolean) => Promise<boolean>

/** Goes through all parts, until there is enough or the turn ends; what a part's work takes of memory is given back after it. */
export async function eachPart(blocks: Blocks, turn: Turn, work: PartWork, side: 'a' | 'b' = 'a'): Promise<void> {
  if (isWhole(blocks)) {
    await work(blocks, turn, false)
    return
  }
  for await (const part of blocks.each(side)) {
    const isEnough = await turn.withPart((own) => work(part, own, true))
    if (isEnough || (await turn.breathe())) return
  }
}
