import type { Block } from './block.ts'
import { LARGE_SPANS, type SummaryCache } from './summary-cache.ts'
import { Summarizer } from './summary.ts'
import { blocksOf, gatherTrace, traceHex } from './trace-parts.ts'
import type { Turn } from './turn.ts'

/** What blocks that have no other trace have of one. */
interface Large {
  readonly id: Uint32Array
  spans: number
}

/**
 * Puts traces of very many spans together before somebody asks: of a million spans that takes a second, and the first search that meets the trace would wait for it. It goes by
 * blocks that have but one trace, and by looks: what has grown since the last one is left for the next.
 */
export class LargeTraces {
  readonly #summaries: SummaryCache
  /** By id, the spans at the last look. */
  #seen = new Map<string, number>()
  /** By id, what there was when it was put together, or there was no memory for it. */
  #tried = new Map<string, string>()

  constructor(summaries: SummaryCache) {
    this.#summaries = summaries
  }

  /** `blocks`: all that there are. True: something has changed, or there was no time for all, so that another look is worth it in a while. */
  async look(blocks: readonly Block[], turn: Turn): Promise<boolean> {
    const found = largeIn(blocks)
    const [seen, tried] = [this.#seen, this.#tried]
    this.#seen = new Map(Array.from(found, ([hex, { spans }]) => [hex, spans]))
    this.#tried = new Map([...tried].filter(([hex]) => found.has(hex)))
    let isAgain = false
    for (const [hex, { id, spans }] of found) {
      if (turn.stopped) return true
      if (seen.get(hex) === spans) await this.#putTogether(hex, id, blocks, turn)
      else isAgain = true
    }
    return isAgain || turn.stopped
  }

  async #putTogether(hex: string, id: Uint32Array, blocks: readonly Block[], turn: Turn): Promise<void> {
    const asked = await blocksOf(blocks, id, turn)
    if (!asked || this.#summaries.find(id, asked)) return
    const state = `${this.#seen.get(hex)} ${asked.length}`
    if (this.#tried.get(hex) === state) return
    await turn.withPart(async (part) => {
      const trace = await gatherTrace(asked, id, part)
      const summary = trace && (await new Summarizer(part).summarize(trace))
      if (summary && part.complete) this.#summaries.keep(id, asked, summary)
      // What cannot be done is not tried again as long as it is the same.
      if (!part.stopped) this.#tried.set(hex, state)
    })
  }
}

function largeIn(blocks: readonly Block[]): Map<string, Large> {
  const found = new Map<string, Large>()
  for (const { only, spans } of blocks) {
    if (!only) continue
    const hex = traceHex(only)
    const large = found.get(hex)
    if (large) large.spans += spans
    else found.set(hex, { id: only, spans })
  }
  for (const [hex, { spans }] of found) if (spans < LARGE_SPANS) found.delete(hex)
  return found
}
