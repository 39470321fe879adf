import { basename } from 'node:path'
import { StorageError, type Level } from '../../contract.ts'
import { ATTRIBUTE_PROBES, bloomHas, EARLY_TRACE_PROBES } from '../block/bloom.ts'
import { freeMemory } from '../block/memory.ts'
import type { BlockRows, Frame, OperationKey } from '../block/rows.ts'
import type { File } from '../files/file-system.ts'
import { readFilter, readPacked, type IndexBlock } from '../files/index-file.ts'
import {
  unpackColumns,
  unpackPlaces,
  unpackTrace,
  unpackTraceHashes,
  type PackedBlock,
} from '../files/packed-columns.ts'
import { arePlacesSound, areSound } from './block-meta.ts'
import {
  readFrameOf,
  reading,
  takeFrameOf,
  tell,
  useFrameOf,
  type BlockSegment,
  type BlockSource,
} from './block-source.ts'
import type { Block, TakenFrame } from './block.ts'
import { Slot, type ByteCache } from './byte-cache.ts'
import { rebuildRows } from './log-block.ts'
import type { PooledList } from './pool.ts'
import { traceWords } from './trace-parts.ts'
import { extractMembers, rowBytes, traceRowsOf } from './trace-rows.ts'
import { readZones, type Zones } from '../block/zones.ts'

/**
 * A block of the index. Its filters, columns and frames are read when they are needed. A reader has one for each 8,192 spans that are not sealed: what it
 * keeps is as small as it can be, and there is no slot for what was never read.
 */
export class StoredBlock implements Block {
  readonly spans: number
  readonly minStart: bigint
  readonly maxStart: bigint
  readonly zones: Zones
  readonly only: Uint32Array | undefined
  readonly damaged: boolean
  readonly #source: BlockSource
  readonly #segment: BlockSegment
  /** Its place among the blocks of the segment. */
  readonly #at: number
  readonly #operations: PooledList<OperationKey>
  readonly #keys: PooledList<string> | undefined
  readonly #services: ReadonlySet<string>
  readonly #traceCount: number
  readonly #groupCount: number
  readonly #frameCount: number
  readonly #logStart: number
  readonly #logEnd: number
  readonly #traceProbes: number
  readonly #knowsLinks: boolean
  /** Where the sections are in the index, one after the other. */
  readonly #traceFilterAt: number
  readonly #attributeFilterAt: number
  readonly #columnsAt: number
  readonly #end: number
  /** As signed numbers: others are not kept in place. */
  readonly #traceCrc: number
  readonly #attributeCrc: number
  #traceBits: Slot | undefined
  #attributeBits: Slot | undefined
  #rows: Slot | undefined
  #packed: Slot | undefined

  constructor(source: BlockSource, segment: BlockSegment, block: IndexBlock, at: number) {
    const { meta, traceFilter, attributeFilter, columns } = block
    this.spans = meta.spans
    this.minStart = BigInt(meta.minStart)
    this.maxStart = BigInt(meta.maxStart)
    this.zones = readZones(meta.zones)
    this.only = meta.only === undefined ? undefined : traceWords(meta.only)
    this.damaged = meta.damaged !== undefined
    this.#source = source
    this.#segment = segment
    this.#at = at
    this.#operations = source.operations.list(meta.operations)
    this.#keys = meta.keys && source.texts.set(meta.keys)
    this.#services = source.services.one(new Set(meta.operations.map(({ service }) => service)))
    this.#traceCount = meta.traces
    this.#groupCount = meta.groups
    this.#frameCount = meta.frames
    this.#logStart = meta.logStart
    this.#logEnd = meta.logEnd
    this.#traceProbes = meta.traceProbes ?? EARLY_TRACE_PROBES
    this.#knowsLinks = meta.links === true
    this.#traceFilterAt = traceFilter.offset
    this.#attributeFilterAt = attributeFilter.offset
    this.#columnsAt = columns.offset
    this.#end = block.end
    this.#traceCrc = meta.crcs[0] | 0
    this.#attributeCrc = meta.crcs[1] | 0
  }

  get operations(): readonly OperationKey[] {
    return this.#operations.values
  }

  get keys(): readonly string[] | undefined {
    return this.#keys?.values
  }

  mayHaveService(service: string): boolean {
    return this.#services.has(service)
  }

  mayHaveTrace(hash: number): boolean {
    // Asked for each trace that is looked for, of each block: what is at hand is used without more ado.
    if (!this.#segment.traces.mayHave(hash, this.#at)) return false
    const slot = (this.#traceBits ??= new Slot())
    const bits =
      (slot.value as Uint32Array | undefined) ??
      this.#filter(this.#source.traceFilters, slot, this.#traceFilterAt, this.#attributeFilterAt, this.#traceCrc)
    return bits === undefined || bloomHas(bits, hash, this.#traceProbes)
  }

  mayHaveAttribute(hash: number, level: Level): boolean {
    if (level === 'link' && !this.#knowsLinks) return true
    const slot = (this.#attributeBits ??= new Slot())
    const { columns } = this.#source
    const bits = this.#filter(columns, slot, this.#attributeFilterAt, this.#columnsAt, this.#attributeCrc)
    return bits === undefined || bloomHas(bits, hash === 0 ? 1 : hash, ATTRIBUTE_PROBES)
  }

  rows(): BlockRows {
    return this.#source.columns.get((this.#rows ??= new Slot()), () => this.#loadRows(), rowBytes)
  }

  traceRows(id: Uint32Array): BlockRows | undefined {
    if ((this.#rows && this.#rows.bytes > 0) || this.only) return traceRowsOf(this.rows(), id)
    // The rows of all others are not unpacked for those of one, of which nearly always nothing else is asked.
    const read = this.#source.columns.use(
      (this.#packed ??= new Slot()),
      () => this.#readPacked(),
      (packed) => packed?.length ?? 0,
      (packed) => packed && { rows: unpackTrace(packed, this.#description(), id) },
      (packed) => packed && freeMemory(packed),
    )
    return read && this.#isSound(read.rows) ? read.rows : traceRowsOf(this.rows(), id)
  }

  /** Distinct ones. */
  get traceCount(): number {
    return this.#traceCount
  }

  /** The hashes of its traces, from its columns, of which nothing is kept; undefined where these cannot be read. */
  readTraces(): Uint32Array | undefined {
    const packed = this.#readPacked()
    if (!packed) return undefined
    const hashes = unpackTraceHashes(packed, this.#description())
    freeMemory(packed)
    return hashes
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

  takeFrame(frame: Frame): TakenFrame {
    return takeFrameOf(this.#source, this.#segment, frame, () => this.rows())
  }

  places(): BlockRows | undefined {
    if (this.#rows && this.#rows.bytes > 0) return undefined
    const packed = this.#readPacked()
    if (!packed) return undefined
    const rows = unpackPlaces(packed, this.#description())
    freeMemory(packed)
    return arePlacesSound(rows, this.#logStart, this.#logEnd) ? rows : undefined
  }

  #filter(cache: ByteCache, slot: Slot, offset: number, end: number, crc: number): Uint32Array | undefined {
    const section = { offset, length: end - offset }
    const load = (): Uint32Array | undefined => {
      const found = reading(this.#source, this.#segment, this.#segment.indexPath, (file) =>
        readFilter(file, section, crc >>> 0),
      )
      if (!found ? section.length > 0 : found instanceof StorageError) this.#notWhole(offset)
      return found instanceof StorageError ? undefined : found
    }
    try {
      return cache.get(slot, load, (found) => (found?.byteLength ?? 0) + 100)
    } catch {
      return undefined // Whoever looks into the block then meets the same, and says so.
    }
  }

  #loadRows(): BlockRows {
    const rows = this.#readRows()
    if (rows) return rows
    // The log has it all, so nothing is lost, and nothing refused, yet.
    const rebuilt = reading(this.#source, this.#segment, this.#segment.logPath, (file) =>
      rebuildRows(file, this.#segment.logPath, this.#logStart, this.#logEnd),
    )
    if (rebuilt instanceof StorageError) {
      tell(this.#source, {
        path: this.#segment.logPath,
        offset: this.#logStart,
        bytes: this.#logEnd - this.#logStart,
        maxSpans: this.spans,
      })
      throw rebuilt
    }
    return rebuilt
  }

  #readRows(): BlockRows | undefined {
    const packed = this.#readPacked()
    if (!packed) return undefined
    const rows = unpackColumns(packed, this.#description())
    freeMemory(packed)
    return this.#isSound(rows) ? rows : undefined
  }

  #readPacked(): Uint8Array | undefined {
    const place = { offset: this.#columnsAt, length: this.#end - this.#columnsAt }
    const read = this.#fromIndex((file) => ({ packed: readPacked(file, place, this.#description()) }))
    if (!read) return undefined
    if (!(read instanceof StorageError) && read.packed) return read.packed
    this.#notWhole(this.#columnsAt)
    return undefined
  }

  #description(): PackedBlock {
    return {
      spans: this.spans,
      traces: this.#traceCount,
      groups: this.#groupCount,
      frames: this.#frameCount,
      logStart: this.#logStart,
      operations: this.#operations.values,
    }
  }

  #isSound(rows: BlockRows | undefined): boolean {
    if (!rows || areSound(rows, this.#logStart, this.#logEnd)) return true
    this.#notWhole(this.#columnsAt)
    return false
  }

  /** As {@link reading}; undefined when the system does not give the index out. */
  #fromIndex<T>(read: (file: File) => T): T | StorageError | undefined {
    try {
      return reading(this.#source, this.#segment, this.#segment.indexPath, read)
    } catch (error) {
      if (error instanceof StorageError) return undefined
      throw error
    }
  }

  /**
   * The index is written without a sync: it may be damaged, or have lost what was written last when the power was cut. The log has the same,
   * so nothing is lost but time.
   */
  #notWhole(offset: number): void {
    const file = basename(this.#segment.indexPath)
    this.#source.tell({ code: 'recovered', file, blocks: 1, tornBytes: 0 }, offset)
  }
}
