import type { TraceSummary } from '../../contract.ts'
import { traceIndex } from '../block/rows.ts'
import type { Block } from './block.ts'
import { traceHex } from './trace-parts.ts'

/** Spans from which a trace's summary is kept: it takes milliseconds to make, and every search that meets the trace needs it. */
export const LARGE_SPANS = 4_096
/** Summaries that are kept. */
const MAX_SUMMARIES = 64

interface Known {
  readonly summary: TraceSummary
  readonly made: readonly Maker[]
}

/** A block that a summary was made from, and how many of the trace's rows one that grows had by then. */
interface Maker {
  readonly block: object
  readonly rows: number
}

/** Summaries of large traces, as long as these are what they were: no block has come or gone that may have spans of the trace. */
export class SummaryCache {
  readonly #known = new Map<string, Known>()

  /** `blocks`: all that may have the trace. */
  find(id: Uint32Array, blocks: readonly Block[]): TraceSummary | undefined {
    const known = this.#known.size > 0 ? this.#known.get(traceHex(id)) : undefined
    if (!known) return undefined
    const having = thatHave(id, blocks)
    if (known.made.length !== having.length) return undefined
    const isSame = having.every((block, i) => isMaker(known.made[i]!, block, id))
    return isSame ? known.summary : undefined
  }

  keep(id: Uint32Array, blocks: readonly Block[], summary: TraceSummary): void {
    if (summary.spans < LARGE_SPANS) return
    const key = traceHex(id)
    this.#known.delete(key)
    const made = thatHave(id, blocks).map((block) => ({ block: block.growsIn ?? block, rows: rowsIn(block, id) }))
    this.#known.set(key, { summary, made })
    if (this.#known.size > MAX_SUMMARIES) this.#known.delete(this.#known.keys().next().value!)
  }
}

/** One that grows may have any trace, by what it says, and begins anew with each segment: it counts where it has this one. */
function thatHave(id: Uint32Array, blocks: readonly Block[]): readonly Block[] {
  return blocks.filter((block) => !block.growsIn || rowsIn(block, id) > 0)
}

function isMaker({ block, rows }: Maker, now: Block, id: Uint32Array): boolean {
  return block === (now.growsIn ?? now) && rows === rowsIn(now, id)
}

/** 0 where it is always the same. */
function rowsIn(block: Block, id: Uint32Array): number {
  if (!block.growsIn) return 0
  const rows = block.rows()
  const index = traceIndex(rows, id)
  let count = 0
  for (let row = 0; row < rows.count; row++) if (rows.trace[row] === index) count++
  return count
}
