import { StorageError, type Level, type Target } from '../../contract.ts'
import { bloomHas, bloomHasIn, TRACE_PROBES } from '../block/bloom.ts'
import type { BlockRows, OperationKey } from '../block/rows.ts'
import { readZones, type Zones } from '../block/zones.ts'
import { readFilter } from '../files/index-file.ts'
import { readExactly } from '../files/log.ts'
import { readSealedState, type PlacedSection, type Place } from '../files/sealed-file.ts'
import { Section } from '../sealed/section.ts'
import { readCounts, type SectionCounts } from './aggregate/section-counts.ts'
import { reading, tell, type BlockSource } from './block-source.ts'
import type { Block, ColumnValues, RequestRows } from './block.ts'
import { Slot } from './byte-cache.ts'
import type { Segment } from './catalog-segment.ts'
import type { TraceExtents } from './trace-extents.ts'
import { Vanished } from './turn.ts'

/** The filter of all trace ids of a sealed segment. What cannot be read lets all through. */
export class SealedFilter {
  readonly #source: BlockSource
  readonly #segment: Segment
  readonly #place: Place | undefined
  readonly #bits = new Slot()
  #isWhole = false

  constructor(source: BlockSource, segment: Segment, place: Place | undefined) {
    this.#source = source
    this.#segment = segment
    this.#place = place
  }

  mayHave(hash: number): boolean {
    const place = this.#place
    if (!place) return true
    const load = (): Uint32Array | undefined => {
      const found = reading(this.#source, this.#segment, this.#segment.sealedPath, (file) =>
        readFilter(file, place, place.crc),
      )
      if (found instanceof StorageError) return undefined
      this.#isWhole = found !== undefined
      return found
    }
    try {
      // A store of many segments has more filters than there is room for, and each is a megabyte: once its checksum was right, its words are read one by one.
      if (this.#isWhole && this.#bits.bytes === 0) return this.#probe(place, hash)
      const bits = this.#source.traceFilters.get(this.#bits, load, (found) => (found?.byteLength ?? 0) + 100)
      return bits === undefined || bloomHas(bits, hash, TRACE_PROBES)
    } catch {
      return true // Whoever looks into the sections then meets the same, and says so.
    }
  }

  #probe({ offset, length }: Place, hash: number): boolean {
    const found = reading(this.#source, this.#segment, this.#segment.sealedPath, (file) =>
      bloomHasIn(length >> 2, (word) => readExactly(file, offset + 4 * word, 4).readUInt32LE(0), hash, TRACE_PROBES),
    )
    return found instanceof StorageError || found
  }
}

/** Targets of which values are kept. */
const MAX_VALUES = 1_000

/** Of values in memory, about: what is behind an entry is kept for itself. */
function bytesOf(values: ColumnValues | undefined): number {
  let bytes = 200
  for (const { codes, offsets, size } of values?.columns ?? [])
    bytes += codes.byteLength + (offsets?.byteLength ?? 0) + 16 * size
  return bytes
}

/** A section of a sealed segment. Damage is told once, where it is met. */
export class SealedBlock implements Block {
  readonly spans: number
  readonly minStart: bigint
  readonly maxStart: bigint
  readonly zones: Zones
  readonly operations: readonly OperationKey[]
  readonly damaged = false
  readonly #source: BlockSource
  readonly #segment: Segment
  readonly #filter: SealedFilter
  readonly #body: Place
  /** By target. */
  readonly #values = new Map<string, Slot>()
  readonly #section: Section
  readonly #services: ReadonlySet<string>

  constructor(source: BlockSource, segment: Segment, filter: SealedFilter, placed: PlacedSection) {
    const { body } = placed
    const meta = { ...placed.meta, operations: source.operations.shared(placed.meta.operations) }
    this.#source = source
    this.#segment = segment
    this.#filter = filter
    this.#body = body
    const read = (offset: number, length: number): Uint8Array => this.#read(body.offset + offset, length)
    this.#section = new Section(meta, read, source.columns, () => this.#damaged())
    this.spans = meta.spans
    this.minStart = BigInt(meta.minStart)
    this.maxStart = BigInt(meta.maxStart)
    this.zones = readZones(meta)
    this.operations = meta.operations
    this.#services = source.services.one(new Set(meta.operations.map(({ service }) => service)))
  }

  get keys(): readonly string[] | undefined {
    return this.#section.keys
  }

  keyCounts(level: Level): ReadonlyMap<string, number> | undefined {
    return this.#section.keyCounts(level)
  }

  mayHaveService(service: string): boolean {
    return this.#services.has(service)
  }

  mayHaveTrace(hash: number): boolean {
    return this.#filter.mayHave(hash) && this.#section.mayHaveTrace(hash)
  }

  mayHaveAttribute(hash: number): boolean {
    return this.#section.mayHaveAttribute(hash)
  }

  rows(): BlockRows {
    return this.#section.rows()
  }

  traceRows(id: Uint32Array): BlockRows | undefined {
    return this.#section.traceRows(id)
  }

  extents(): TraceExtents {
    return this.#section.extents()
  }

  requests(): RequestRows | undefined {
    return this.#section.requests()
  }

  counts(): SectionCounts | undefined {
    const bytes = this.#section.counts
    try {
      return bytes && readCounts(bytes)
    } catch {
      return undefined
    }
  }

  values(target: Target): ColumnValues | undefined {
    const key = JSON.stringify(target)
    let slot = this.#values.get(key)
    if (!slot) {
      if (this.#values.size >= MAX_VALUES) this.#values.clear()
      this.#values.set(key, (slot = new Slot()))
    }
    return this.#source.columns.get(slot, () => this.#section.values(target), bytesOf)
  }

  spanBytes(rows: BlockRows, members: Uint32Array): Uint8Array {
    return this.#section.spanBytes(rows, members)
  }

  #read(offset: number, length: number): Uint8Array {
    const bytes = reading(this.#source, this.#segment, this.#segment.sealedPath, (file) =>
      readExactly(file, offset, length),
    )
    if (bytes instanceof StorageError) throw bytes
    return bytes
  }

  /** Throws {@link Vanished} where the file is another one than it was: who has the directory, and is not who tells this reader, has replaced it. */
  #damaged(): void {
    const { offset, length } = this.#body
    const segment = this.#segment
    const state = reading(this.#source, segment, segment.sealedPath, readSealedState)
    if (!(state instanceof StorageError) && state.state === 'ok' && state.header.salt !== segment.salt) {
      this.#source.missing(segment)
      throw new Vanished(segment, `${segment.sealedPath} is another one than it was`)
    }
    tell(this.#source, { path: this.#segment.sealedPath, offset, bytes: length, maxSpans: this.spans })
  }
}
