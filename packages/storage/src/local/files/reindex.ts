import { OtlpError } from '@spoor/otlp'
import { StorageError } from '../../contract.ts'
import { BlockBuilder } from '../block/builder.ts'
import { BLOCK_SPANS } from '../options.ts'
import type { File } from './file-system.ts'
import { ALL_TIME, encodeBlock, encodeDamage, startRange, type BlockMeta, type Damaged } from './index-file.ts'
import { writeFully, type LogRecord } from './log.ts'
import { addFrame } from './segment.ts'

/** A range of time as nanoseconds since 1970, both ends in it. */
export type TimeRange = readonly [min: bigint, max: bigint]

/** A stretch of the log whose index could not be written, or must not be: readers read it from there. */
export interface UnindexedStretch {
  readonly logStart: number
  readonly logEnd: number
  readonly damaged: (Damaged & { readonly range: TimeRange }) | undefined
}

interface Gap {
  readonly start: number
  readonly end: number
  damaged: Damaged
  /** In the index file; undefined: it is the stretch `unindexed`. */
  readonly at: number | undefined
  readonly unindexed: number
}

/**
 * Makes the blocks of a log's index, one after the other: of the records that are added, and of the damage between them. They are
 * written to the index file; where there is none, or from where on it cannot be written, it is told which stretches they describe.
 */
export class Reindex {
  /** Blocks that were made. */
  blocks = 0
  indexSize: number
  readonly unindexed: UnindexedStretch[] = []
  /** Why the index could not be written. */
  failure: unknown
  /** Spans read so far. */
  spans = 0
  /** When the last record was written; 0 when unknown. */
  arrivedMs = 0
  readonly #log: File
  readonly #path: string
  #index: File | undefined
  readonly #builder = new BlockBuilder()
  #start: number
  #at: number
  readonly #gaps: Gap[] = []
  #range: TimeRange | undefined

  /** `known`: the blocks before, which stay. `indexSize`: where they end in the index file. */
  constructor(
    log: File,
    path: string,
    index: File | undefined,
    indexSize: number,
    start: number,
    known: readonly BlockMeta[],
  ) {
    this.#log = log
    this.#path = path
    this.#index = index
    this.indexSize = indexSize
    this.#start = this.#at = start
    for (const meta of known) if (meta.spans > 0) this.#extend([BigInt(meta.minStart), BigInt(meta.maxStart)])
  }

  /** The spans of the next record. False when they cannot be read although its checksum holds; then nothing was added. */
  add(record: LogRecord): boolean {
    const builder = this.#builder
    const before = builder.mark()
    try {
      for (const frame of record.frames) addFrame(builder, this.#log, this.#path, frame)
    } catch (error) {
      builder.rollback(before)
      if (!(error instanceof StorageError || error instanceof OtlpError)) throw error
      return false
    }
    this.spans += builder.rows.count - before.count
    this.arrivedMs = Math.max(this.arrivedMs, record.arrivedMs)
    this.#at = record.end
    if (builder.rows.count >= BLOCK_SPANS) this.#finishBlock()
    return true
  }

  /** A stretch that cannot be read. An empty one: spans are gone that were here. */
  addDamage(start: number, end: number, damaged: Damaged): void {
    this.#finishBlock()
    const bytes = encodeDamage(start, end, damaged, ALL_TIME)
    const at = this.#write(bytes)
    this.#gaps.push({ start, end, damaged, at, unindexed: this.unindexed.length })
    if (at === undefined)
      this.unindexed.push({ logStart: start, logEnd: end, damaged: { ...damaged, range: ALL_TIME } })
    this.#start = this.#at = end
  }

  /**
   * Writes what is not written. Now that all is known, the damage gets its range of time (that of the other blocks, and of `missing`,
   * of what was here before), and where it is not known how many spans are in it, `lostSpans`: so many are missing before `durable`.
   */
  finish(missing: readonly BlockMeta[], lostSpans = 0, durable = 0): void {
    this.#finishBlock()
    for (const meta of missing) this.#extend([BigInt(meta.minStart), BigInt(meta.maxStart)])
    const range = this.#range ?? ALL_TIME
    for (const gap of this.#gaps) {
      if (gap.damaged.maxSpans === undefined && gap.end <= durable)
        gap.damaged = { ...gap.damaged, maxSpans: lostSpans }
      if (gap.at === undefined)
        this.unindexed[gap.unindexed] = { logStart: gap.start, logEnd: gap.end, damaged: { ...gap.damaged, range } }
      else if (this.#index)
        writeFully(this.#index, [Buffer.concat(encodeDamage(gap.start, gap.end, gap.damaged, range))], gap.at)
    }
  }

  get damage(): readonly { readonly start: number; readonly end: number; readonly damaged: Damaged }[] {
    return this.#gaps
  }

  #finishBlock(): void {
    if (this.#at === this.#start) return
    const builder = this.#builder
    const { rows } = builder
    if (rows.count > 0) this.#extend(startRange(rows))
    const written = this.#write(encodeBlock(rows, builder.hashes, this.#start, this.#at, this.arrivedMs))
    if (written === undefined) this.unindexed.push({ logStart: this.#start, logEnd: this.#at, damaged: undefined })
    this.blocks++
    this.#start = this.#at
    builder.reset()
  }

  /** Where in the index the block was written; undefined when it was not, and then none after it will be. */
  #write(block: readonly Uint8Array[]): number | undefined {
    if (!this.#index) return undefined
    const at = this.indexSize
    try {
      this.indexSize = writeFully(this.#index, block, at)
      return at
    } catch (error) {
      // The log has the spans: the index is written when the store is opened again.
      this.failure = error
      this.#index = undefined
      return undefined
    }
  }

  #extend([min, max]: TimeRange): void {
    const [a, b] = this.#range ?? [min, max]
    this.#range = [min < a ? min : a, max > b ? max : b]
  }
}
