import { BlockBuilder } from '../../local/block/builder.ts'
import type { BlockRows, Frame, OperationKey } from '../../local/block/rows.ts'
import { zonesOf, type Zones } from '../../local/block/zones.ts'
import { startRange } from '../../local/files/index-file.ts'
import type { Block } from '../../local/read/block.ts'
import { extractMembers, rowBytes, traceRowsOf } from '../../local/read/trace-rows.ts'

/** Spans that were fetched for one query, as the code that answers queries sees a block: all in memory. */
export class FetchedBlock implements Block {
  readonly spans: number
  readonly minStart: bigint
  readonly maxStart: bigint
  readonly zones: Zones
  readonly operations: readonly OperationKey[]
  readonly damaged = false
  readonly #rows: BlockRows
  readonly #services: ReadonlySet<string>
  /** By the number of the frame, which stands for its place in a log. */
  readonly #pieces: readonly Uint8Array[]

  /** `pieces`: serialized `TracesData` each. */
  constructor(pieces: readonly Uint8Array[]) {
    const builder = new BlockBuilder()
    for (const [i, bytes] of pieces.entries()) {
      const rawStart = builder.rawLength
      builder.add(bytes)
      builder.addFrame({ rawStart, rawLength: bytes.length, offset: i, length: bytes.length })
    }
    const { rows } = builder
    this.#pieces = pieces
    this.#rows = rows
    this.spans = rows.count
    this.zones = zonesOf(rows)
    this.operations = rows.operations
    this.#services = new Set(rows.operations.map(({ service }) => service))
    ;[this.minStart, this.maxStart] = startRange(rows)
  }

  /** What it takes in memory. */
  get bytes(): number {
    return rowBytes(this.#rows) + this.#pieces.reduce((sum, { length }) => sum + length, 0)
  }

  mayHaveService(service: string): boolean {
    return this.#services.has(service)
  }

  mayHaveTrace(): boolean {
    return true
  }

  mayHaveAttribute(): boolean {
    return true
  }

  rows(): BlockRows {
    return this.#rows
  }

  traceRows(id: Uint32Array): BlockRows | undefined {
    return traceRowsOf(this.#rows, id)
  }

  values(): undefined {
    return undefined
  }

  spanBytes(rows: BlockRows, members: Uint32Array): Uint8Array {
    return extractMembers(rows, members, (frame) => this.frame(frame))
  }

  frame({ offset }: Frame): Uint8Array {
    return this.#pieces[offset]!
  }
}
