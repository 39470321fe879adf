import type { BlockRows, Frame, OperationKey } from '../block/rows.ts'
import { startRange } from '../files/index-file.ts'
import { readFrameOf, useFrameOf, type BlockSegment, type BlockSource } from './block-source.ts'
import type { Block } from './block.ts'
import { extractMembers, traceRowsOf } from './trace-rows.ts'
import { zonesOf, type Zones } from '../block/zones.ts'

/** A block whose rows are in memory: the one that the writer is still filling. */
export class MemoryBlock implements Block {
  readonly spans: number
  readonly minStart: bigint
  readonly maxStart: bigint
  readonly zones: Zones
  readonly operations: readonly OperationKey[]
  readonly damaged = false
  readonly growsIn: object
  readonly #source: BlockSource
  readonly #segment: BlockSegment
  readonly #rows: BlockRows

  constructor(source: BlockSource, segment: BlockSegment, rows: BlockRows) {
    this.#source = source
    this.#segment = segment
    this.growsIn = segment
    this.#rows = rows
    this.spans = rows.count
    this.zones = zonesOf(rows)
    this.operations = rows.operations
    ;[this.minStart, this.maxStart] = startRange(rows)
  }

  mayHaveService(service: string): boolean {
    return this.#rows.operations.some((operation) => operation.service === service)
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
    return traceRowsOf(this.rows(), id)
  }

  values(): undefined {
    return undefined
  }

  spanBytes(rows: BlockRows, members: Uint32Array): Uint8Array {
    const all = (): BlockRows => this.#rows
    return extractMembers(rows, members, (frame, use) => useFrameOf(this.#source, this.#segment, frame, all, use))
  }

  frame(frame: Frame): Buffer {
    return readFrameOf(this.#source, this.#segment, frame, () => this.#rows)
  }
}
