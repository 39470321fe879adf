import { StorageError } from '../../contract.ts'
import { BlockBuilder } from '../block/builder.ts'
import type { BlockRows, Frame, OperationKey } from '../block/rows.ts'
import type { File } from '../files/file-system.ts'
import { startRange } from '../files/index-file.ts'
import { readRecord } from '../files/log.ts'
import { addFrame } from '../files/segment.ts'
import { readFrameOf, reading, useFrameOf, type BlockSegment, type BlockSource } from './block-source.ts'
import type { Block } from './block.ts'
import { Slot } from './byte-cache.ts'
import { extractMembers, rowBytes, traceRowsOf } from './trace-rows.ts'
import { zonesOf, type Zones } from '../block/zones.ts'

/** A stretch of the log without an index: its rows are made from the log, and made again when the cache has let them go. */
export class LogBlock implements Block {
  readonly spans: number
  readonly minStart: bigint
  readonly maxStart: bigint
  readonly zones: Zones
  readonly damaged = false
  readonly operations: readonly OperationKey[]
  readonly #source: BlockSource
  readonly #segment: BlockSegment
  readonly #logStart: number
  readonly #logEnd: number
  readonly #services: ReadonlySet<string>
  readonly #rows = new Slot()

  /** Throws as {@link Block.rows} does. */
  constructor(source: BlockSource, segment: BlockSegment, logStart: number, logEnd: number) {
    this.#source = source
    this.#segment = segment
    this.#logStart = logStart
    this.#logEnd = logEnd
    const rows = this.rows()
    this.spans = rows.count
    ;[this.minStart, this.maxStart] = startRange(rows)
    this.zones = zonesOf(rows)
    this.operations = source.operations.shared(rows.operations)
    this.#services = new Set(rows.operations.map(({ service }) => service))
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
    return this.#source.columns.get(this.#rows, () => this.#loadRows(), rowBytes)
  }

  traceRows(id: Uint32Array): BlockRows | undefined {
    return traceRowsOf(this.rows(), id)
  }

  values(): undefined {
    return undefined
  }

  spanBytes(rows: BlockRows, members: Uint32Array): Uint8Array {
    const all = (): BlockRows => this.rows()
    return extractMembers(rows, members, (frame, use) => useFrameOf(this.#source, this.#segment, frame, all, use))
  }

  frame(frame: Frame): Buffer {
    return readFrameOf(this.#source, this.#segment, frame, () => this.rows())
  }

  #loadRows(): BlockRows {
    const { logPath } = this.#segment
    const rows = reading(this.#source, this.#segment, logPath, (file) =>
      rebuildRows(file, logPath, this.#logStart, this.#logEnd),
    )
    if (rows instanceof StorageError) throw rows
    return rows
  }
}

/** A block whose columns in the index are damaged, from the log. */
export function rebuildRows(log: File, path: string, logStart: number, logEnd: number): BlockRows {
  const builder = new BlockBuilder()
  for (let at = logStart; at < logEnd;) {
    const record = readRecord(log, at, logEnd)
    if (!record) {
      throw new StorageError('corrupt', `${path}: the record at byte ${at} is damaged; its spans cannot be read`)
    }
    for (const frame of record.frames) addFrame(builder, log, path, frame)
    at = record.end
  }
  return builder.rows
}
