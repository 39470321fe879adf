import { basename } from 'node:path'
import { StorageError, type Level } from '../../contract.ts'
import { ATTRIBUTE_PROBES, bloomHas, EARLY_TRACE_PROBES } from '../block/bloom.ts'
import { freeMemory } from '../block/memory.ts'
import type { BlockRows, Frame, OperationKey } from '../block/rows.ts'
import type { File } from '../files/file-system.ts'
import { readFilter, readPacked, type IndexBlock, type Section } from '../files/index-file.ts'
import { unpackColumns, unpackTrace, type PackedBlock } from '../files/packed-columns.ts'
import { areSound } from './block-meta.ts'
import { readFrameOf, reading, tell, useFrameOf, type BlockSegment, type BlockSource } from './block-source.ts'
import type { Block } from './block.ts'
import { Slot, type ByteCache } from './byte-cache.ts'
import { rebuildRows } from './log-block.ts'
import { traceWords } from './trace-parts.ts'
import { extractMembers, rowBytes, traceRowsOf } from './trace-rows.ts'
import { readZones, type Zones } from '../block/zones.ts'

/** A block of the index. Its filters, columns and frames are read when they are needed. */
export class StoredBlock implements Block {
  readonly spans: number
  readonly minStart: bigint
  readonly maxStart: bigint
  readonly zones: Zones
  readonly operations: readonly OperationKey[]
  readonly keys: readonly string[] | undefined
  readonly only: Uint32Array | undefined
  readonly damaged: boolean
  readonly #source: BlockSource
  readonly #segment: BlockSegment
  readonly #columns: PackedBlock & Section
  readonly #logEnd: number
  readonly #traceProbes: number
  readonly #knowsLinks: boolean
  readonly #services: ReadonlySet<string>
  readonly #filters: readonly [FilterSection, FilterSection]
  readonly #rows = new Slot()
  readonly #packed = new Slot()

  constructor(source: BlockSource, segment: BlockSegment, block: IndexBlock) {
    const { meta, traceFilter, attributeFilter } = block
    this.#source = source
    this.#segment = segment
    this.#logEnd = meta.logEnd
    this.#services = source.services.one(new Set(meta.operations.map(({ service }) => service)))
    this.#filters = [
      { section: traceFilter, crc: meta.crcs[0], bits: new Slot(), cache: source.traceFilters },
      { section: attributeFilter, crc: meta.crcs[1], bits: new Slot(), cache: source.columns },
    ]
    this.spans = meta.spans
    this.minStart = BigInt(meta.minStart)
    this.maxStart = BigInt(meta.maxStart)
    this.#traceProbes = meta.traceProbes ?? EARLY_TRACE_PROBES
    this.#knowsLinks = meta.links === true
    this.zones = readZones(meta.zones)
    this.operations = source.operations.shared(meta.operations)
    const { spans, traces, groups, frames, logStart } = meta
    this.#columns = { ...block.columns, spans, traces, groups, frames, logStart, operations: this.operations }
    this.keys = meta.keys && source.texts.shared(meta.keys)
    this.only = meta.only === undefined ? undefined : traceWords(meta.only)
    this.damaged = meta.damaged !== undefined
  }

  mayHaveService(service: string): boolean {
    return this.#services.has(service)
  }

  mayHaveTrace(hash: number): boolean {
    // Asked for each trace that is looked for, of each block: what is at hand is used without more ado.
    if (!this.#segment.traces.mayHave(hash)) return false
    const [filter] = this.#filters
    const bits = (filter.bits.value as Uint32Array | undefined) ?? this.#filter(filter)
    return bits === undefined || bloomHas(bits, hash, this.#traceProbes)
  }

  mayHaveAttribute(hash: number, level: Level): boolean {
    if (level === 'link' && !this.#knowsLinks) return true
    const bits = this.#filter(this.#filters[1])
    return bits === undefined || bloomHas(bits, hash === 0 ? 1 : hash, ATTRIBUTE_PROBES)
  }

  rows(): BlockRows {
    return this.#source.columns.get(this.#rows, () => this.#loadRows(), rowBytes)
  }

  traceRows(id: Uint32Array): BlockRows | undefined {
    if (this.#rows.bytes > 0 || this.only) return traceRowsOf(this.rows(), id)
    // The rows of all others are not unpacked for those of one, of which nearly always nothing else is asked.
    const read = this.#source.columns.use(
      this.#packed,
      () => this.#readPacked(),
      (packed) => packed?.length ?? 0,
      (packed) => packed && { rows: unpackTrace(packed, this.#columns, id) },
      (packed) => packed && freeMemory(packed),
    )
    return read && this.#isSound(read.rows) ? read.rows : traceRowsOf(this.rows(), id)
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

  #filter({ section, crc, bits, cache }: FilterSection): Uint32Array | undefined {
    const load = (): Uint32Array | undefined => {
      const found = reading(this.#source, this.#segment, this.#segment.indexPath, (file) =>
        readFilter(file, section, crc),
      )
      if (!found ? section.length > 0 : found instanceof StorageError) this.#notWhole(section.offset)
      return found instanceof StorageError ? undefined : found
    }
    try {
      return cache.get(bits, load, (found) => (found?.byteLength ?? 0) + 100)
    } catch {
      return undefined // Whoever looks into the block then meets the same, and says so.
    }
  }

  #loadRows(): BlockRows {
    const rows = this.#readRows()
    if (rows) return rows
    // The log has it all, so nothing is lost, and nothing refused, yet.
    const rebuilt = reading(this.#source, this.#segment, this.#segment.logPath, (file) =>
      rebuildRows(file, this.#segment.logPath, this.#columns.logStart, this.#logEnd),
    )
    if (rebuilt instanceof StorageError) {
      tell(this.#source, {
        path: this.#segment.logPath,
        offset: this.#columns.logStart,
        bytes: this.#logEnd - this.#columns.logStart,
        maxSpans: this.spans,
      })
      throw rebuilt
    }
    return rebuilt
  }

  #readRows(): BlockRows | undefined {
    const packed = this.#readPacked()
    if (!packed) return undefined
    const rows = unpackColumns(packed, this.#columns)
    freeMemory(packed)
    return this.#isSound(rows) ? rows : undefined
  }

  #readPacked(): Uint8Array | undefined {
    const read = this.#fromIndex((file) => ({ packed: readPacked(file, this.#columns, this.#columns) }))
    if (!read) return undefined
    if (!(read instanceof StorageError) && read.packed) return read.packed
    this.#notWhole(this.#columns.offset)
    return undefined
  }

  #isSound(rows: BlockRows | undefined): boolean {
    if (!rows || areSound(rows, this.#columns.logStart, this.#logEnd)) return true
    this.#notWhole(this.#columns.offset)
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

interface FilterSection {
  readonly section: { readonly offset: number; readonly length: number }
  readonly crc: number
  readonly bits: Slot
  readonly cache: ByteCache
}
