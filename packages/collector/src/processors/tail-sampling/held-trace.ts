import type { Chunk } from '@spoor/otlp'
import type { TraceHolder } from '../../processor-helper/index.ts'
import type { Trace } from './policy.ts'

/** All that is held of a trace, of which no more is read than policies ask for. */
export class HeldTrace implements Trace {
  readonly id: Uint8Array
  readonly #row: number
  readonly #holder: TraceHolder
  #chunks: readonly Chunk[] | undefined

  constructor(row: number, holder: TraceHolder) {
    this.id = new Uint8Array(holder.table.ids.buffer, 16 * row, 16)
    this.#row = row
    this.#holder = holder
  }

  get spans(): number {
    return this.#holder.table.spans[this.#row]!
  }

  get bytes(): number {
    return this.#holder.bytesOf(this.#row)
  }

  get chunks(): readonly Chunk[] {
    return (this.#chunks ??= this.#holder.chunksOf(this.#row))
  }

  get statuses(): number | undefined {
    const { facts } = this.#holder.table
    return facts.isKnown(this.#row) ? facts.statuses[this.#row] : undefined
  }

  get durationNs(): number | undefined {
    const { facts } = this.#holder.table
    return facts.isKnown(this.#row) ? facts.last[this.#row]! - facts.first[this.#row]! : undefined
  }
}
