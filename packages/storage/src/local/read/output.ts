import type { SearchEvent, TraceSummary } from '../../contract.ts'
import type { Turn } from './turn.ts'

/** How long found traces are kept to be told together, and how often it is told how far the search is. Milliseconds. */
const TRACES_EVERY_MS = 30
const PROGRESS_EVERY_MS = 100
/** Traces that are told together at most. */
const MAX_TOGETHER = 256

/** Tells what a search finds as it goes on. */
export class SearchOutput {
  partsTotal = 0
  #partsDone = 0
  readonly #turn: Turn
  readonly #tell: (event: SearchEvent) => void
  #traces: TraceSummary[] = []
  #toldMs = -Infinity
  #progressMs = 0

  constructor(turn: Turn, tell: (event: SearchEvent) => void) {
    this.#turn = turn
    this.#tell = tell
  }

  trace(summary: TraceSummary): void {
    this.#traces.push(summary)
    if (this.#traces.length >= MAX_TOGETHER || this.#turn.elapsedMs - this.#toldMs >= TRACES_EVERY_MS) this.flush()
  }

  /** A block has been dealt with. */
  part(): void {
    this.#partsDone = Math.min(this.#partsDone + 1, this.partsTotal)
    const now = this.#turn.elapsedMs
    if (now - this.#toldMs >= TRACES_EVERY_MS) this.flush()
    if (now - this.#progressMs < PROGRESS_EVERY_MS) return
    this.#progressMs = now
    const { spans: spansScanned, bytesRead } = this.#turn
    this.#tell({
      type: 'progress',
      partsDone: this.#partsDone,
      partsTotal: this.partsTotal,
      spansScanned,
      bytesRead,
    })
  }

  flush(): void {
    if (this.#traces.length === 0) return
    this.#tell({ type: 'traces', traces: this.#traces })
    this.#traces = []
    this.#toldMs = this.#turn.elapsedMs
  }
}
