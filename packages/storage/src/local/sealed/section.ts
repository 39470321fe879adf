import type { Level, Target } from '../../contract.ts'
import { decodeText } from '../block/attribute.ts'
import { bloomHas, TRACE_PROBES } from '../block/bloom.ts'
import type { BlockRows, OperationKey } from '../block/rows.ts'
import type { ColumnValues } from '../read/block.ts'
import { ByteCache } from '../read/byte-cache.ts'
import type { TraceExtents } from '../read/trace-extents.ts'
import { BackWriter } from './back-writer.ts'
import { LEVEL, REQUEST_HEADERS, ROLE, TRACE_HEADERS, TRACE_ID } from './column.ts'
import { isSameAs } from './comparison.ts'
import { MessageWriter } from './message-writer.ts'
import type { Numbers } from './number-column.ts'
import { SealedRequests } from './sealed-requests.ts'
import { SealedRows, type SealedTraces } from './sealed-rows.ts'
import { SectionColumns } from './section-columns.ts'
import { SectionFile, type SectionReader } from './section-file.ts'
import type { SectionMeta } from './section-meta.ts'
import type { Source } from './source.ts'
import { compareIds } from './trace-order.ts'
import { SealedExtents } from './trace-facts.ts'
import type { Hold } from './specimen.ts'
import { hasHash, pieceOf } from './value-filter.ts'
import { valuesOf } from './values.ts'

export type { SectionReader } from './section-file.ts'

/** Bytes that are reserved for spans before they are written, at most. */
const MAX_RESERVED = 1 << 24

/** Bytes of counts beyond which they are not believed. */
const MAX_COUNTS = 1 << 26

const ROWS = TRACE_HEADERS[0]!
const START = TRACE_HEADERS[2]!

/** All sections of a thread write with it, one after the other: of a store with thousands each would keep what it used once. */
const out = new BackWriter()

/**
 * A section as queries see it. What reads throws StorageError `corrupt` where the bytes are not those that were written, and what the reader
 * throws; the filters do not: what cannot be read may match.
 */
export class Section {
  readonly meta: SectionMeta
  readonly spans: number
  readonly traces: number
  readonly minStart: bigint
  readonly maxStart: bigint
  readonly #file: SectionFile
  readonly #stepBytes: number

  /** `damaged`: hears of each reading that meets damage, before it throws. `stepBytes`: see `shape-steps.ts`; who reads all spans wants more. */
  constructor(
    meta: SectionMeta,
    read: SectionReader,
    cache = new ByteCache(1 << 25),
    damaged?: () => void,
    stepBytes = 1 << 17,
  ) {
    this.meta = meta
    this.#stepBytes = stepBytes
    this.spans = meta.spans
    this.traces = meta.traces
    this.minStart = BigInt(meta.minStart)
    this.maxStart = BigInt(meta.maxStart)
    this.#file = new SectionFile(meta, read, cache, damaged)
  }

  get operations(): readonly OperationKey[] {
    return this.meta.operations
  }

  mayHaveService(service: string): boolean {
    return this.operations.some((operation) => operation.service === service)
  }

  /** By the hash of its id. */
  mayHaveTrace(hash: number): boolean {
    return this.#mayMatch(() => {
      return bloomHas(this.#file.words(this.meta.traceFilter ?? this.#file.head.traceFilter), hash, TRACE_PROBES)
    })
  }

  /** By the hash of a key, or of a key and value, see `block/attribute.ts`. */
  mayHaveAttribute(hash: number, _level?: Level): boolean {
    return this.#mayMatch(() => {
      const pieces = this.#file.head.attributeFilter
      const key = hash === 0 ? 1 : hash
      return pieces.length === 0 || hasHash(this.#file.words(pieces[pieceOf(key, pieces.length)]!), key)
    })
  }

  /** All rows, by trace id and start. They have no frames. */
  rows(): BlockRows {
    return this.#reading(() => {
      const columns = this.#columns()
      return this.#rowsOf(columns, this.#allTraceIds(columns), 0, this.traces)
    })
  }

  /** The rows of one trace and no others, by start; undefined when there are none. */
  traceRows(id: Uint32Array): BlockRows | undefined {
    return this.#reading(() => {
      const columns = this.#columns()
      const { lastIds, chunks } = columns.head
      const at = lastIds.findIndex((last) => compareIds(last, 0, id, 0) >= 0)
      const chunk = chunks.filter(({ rows }) => rows[LEVEL.trace]! > 0)[at]
      if (!chunk) return undefined
      this.#file.load(chunk)
      const ids = this.#traceIds(columns, chunk)
      let [low, high] = [0, ids.length / 4 - 1]
      while (low < high) {
        const middle = (low + high) >> 1
        if (compareIds(ids, 4 * middle, id, 0) < 0) low = middle + 1
        else high = middle
      }
      if (compareIds(ids, 4 * low, id, 0) !== 0) return undefined
      const trace = chunk.first[LEVEL.trace]! + low
      const rows = this.#rowsOf(columns, id.slice(), trace, trace + 1)
      for (const own of columns.chunks(LEVEL.span, rows.from, rows.from + rows.count)) this.#file.load(own)
      return rows
    })
  }

  /** Where rows begin whose columns lie together, ascending: who reads all of them reads them so. */
  rowChunks(): readonly number[] {
    return this.#reading(() =>
      this.#columns()
        .chunks(LEVEL.span, 0, this.spans)
        .map(({ first }) => first[LEVEL.span]!),
    )
  }

  /** What it has of each of its traces, by their index in {@link rows}. A column is read when it is first touched. */
  extents(): TraceExtents {
    const read = (index: number): Numbers =>
      this.#reading(() => this.#columns().numbers(TRACE_HEADERS[index]!, 0, this.traces))
    const readIds = (): Uint32Array => this.#reading(() => this.#allTraceIds(this.#columns()))
    const readRequests = (): Numbers | undefined =>
      this.#reading(() => {
        const columns = this.#columns()
        if (columns.find(REQUEST_HEADERS[0]!) === undefined) return undefined
        return columns.numbers(REQUEST_HEADERS[0]!, 0, this.traces)
      })
    return new SealedExtents(this.traces, read, readIds, readRequests, this.minStart)
  }

  /** The requests of its traces; undefined where an earlier version wrote the section. */
  requests(): SealedRequests | undefined {
    return this.#reading(() => {
      const columns = this.#columns()
      if (REQUEST_HEADERS.some((name) => columns.find(name) === undefined)) return undefined
      const rows = this.#rowsOf(columns, this.#allTraceIds(columns), 0, this.traces)
      const [request, row] = REQUEST_HEADERS.map((name) => columns.numbers(name, 0, this.traces)) as [Numbers, Numbers]
      return new SealedRequests(rows, this.extents(), request, row)
    })
  }

  /** See `read/aggregate/section-counts.ts`. Undefined where there are none, or they cannot be read. */
  get counts(): Uint8Array | undefined {
    const { counts } = this.meta
    try {
      return counts && counts.raw <= MAX_COUNTS ? this.#file.unpacked(counts) : undefined
    } catch {
      return undefined
    }
  }

  /** The keys of all attributes at all levels; undefined: there are too many to know, or they cannot be read. */
  get keys(): readonly string[] | undefined {
    const counts = this.keyCounts()
    return counts && [...counts.keys()]
  }

  /**
   * How often each key is there at a level, rare ones once; those of a resource or scope once for each that differs. Rare ones are only known to be there at some level: they
   * are told where all are asked for, and as those of spans.
   */
  keyCounts(level: Level = 'any'): ReadonlyMap<string, number> | undefined {
    try {
      const { head } = this.#columns()
      if (!head.otherKeys) return undefined
      const others = level === 'any' || level === 'span' ? head.otherKeys : []
      const counts = new Map(others.map((key) => [key, 1]))
      for (const [number, { role, name, level: own }] of head.columns.entries()) {
        if (role !== ROLE.attribute || (level !== 'any' && own !== LEVEL[level])) continue
        const key = decodeText(name, 0, name.length)
        counts.set(key, (counts.get(key) ?? 0) + head.column(number).values)
      }
      return counts
    } catch {
      return undefined
    }
  }

  /** The values of a target by rows of {@link rows}; undefined: there are no such columns, and the spans' bytes have to be read. */
  values(target: Target): ColumnValues | undefined {
    return this.#reading(() => valuesOf(this.#columns(), target))
  }

  /** Some spans as one serialized `TracesData`, each byte for byte as it came. `members`: row numbers in `rows`, which this section gave. */
  spanBytes(rows: BlockRows, members: Uint32Array): Uint8Array {
    if (!(rows instanceof SealedRows)) throw new TypeError('these are not rows of a sealed section')
    return this.#reading(() => this.#spanBytes(rows, members))
  }

  /** Whether it gives back what it was made from, see {@link isSameAs}. `rows`: all of {@link rows}; `hold`: see `specimen.ts`. */
  isSameAs(source: Source, rows: BlockRows, hold?: Hold): boolean {
    if (!(rows instanceof SealedRows)) throw new TypeError('these are not rows of a sealed section')
    return this.#reading(() => isSameAs(source, this.#columns(), rows, hold))
  }

  #spanBytes(rows: SealedRows, members: Uint32Array): Uint8Array {
    if (members.length === 0) return out.take()
    const columns = this.#columns()
    out.reserve(Math.min(MAX_RESERVED, 2 * members.length * rows.meanBytes))
    const spans = this.#spanWriters(columns, rows, members)
    const { group: groupOf } = rows
    const groups = Map.groupBy(members.keys(), (i) => groupOf[members[i]!]!)
    const { resourceOf, scopeOf } = columns.head
    const ofResource = Map.groupBy(groups.keys(), (group) => resourceOf[group]!)
    const writeResource = this.#messages(columns, LEVEL.resource, [...ofResource.keys()])
    const writeScope = this.#messages(
      columns,
      LEVEL.scope,
      [...groups.keys()].map((group) => scopeOf[group]!),
    )
    const fields = rows.fields()
    const writeSpans = (own: readonly number[]): void => {
      let at = spans.length - 1
      for (let i = own.length - 1; i >= 0; i--) {
        const before = out.length
        while (own[i]! < spans[at]!.first) at--
        fields.moveTo(members[own[i]!]!)
        spans[at]!.writer.write(own[i]! - spans[at]!.first, fields)
        out.varint(out.length - before)
        out.byte(0x12)
      }
    }
    // What is written last comes first.
    for (const [resource, within] of [...ofResource].toReversed()) {
      const start = out.length
      for (const group of within.toReversed()) {
        const before = out.length
        writeSpans(groups.get(group)!)
        writeScope(scopeOf[group]!)
        out.varint(out.length - before)
        out.byte(0x12)
      }
      writeResource(resource)
      out.varint(out.length - start)
      out.byte(0x0a)
    }
    return out.take()
  }

  /** By chunk, for which of the members. */
  #spanWriters(
    columns: SectionColumns,
    rows: SealedRows,
    members: Uint32Array,
  ): { readonly writer: MessageWriter; readonly first: number }[] {
    const writers = []
    let first = 0
    for (const chunk of columns.chunks(LEVEL.span, rows.from, rows.from + rows.count)) {
      const from = chunk.first[LEVEL.span]! - rows.from
      const to = from + chunk.rows[LEVEL.span]!
      let end = first
      while (end < members.length && members[end]! < to) end++
      if (end === first) continue
      const own = members.subarray(first, end).map((row) => row - from)
      writers.push({ writer: new MessageWriter(columns, chunk, LEVEL.span, own, out), first })
      first = end
    }
    if (first < members.length) throw new RangeError(`row ${members[first]} of ${rows.count}`)
    return writers
  }

  /** What writes the message of one of these rows of resources or scopes. */
  #messages(columns: SectionColumns, level: 3 | 4, rows: readonly number[]): (row: number) => void {
    const [chunk] = columns.chunks(level, 0, Infinity)
    if (!chunk) throw new RangeError('a section has no resources or scopes')
    this.#file.load(chunk)
    const members = Uint32Array.from(new Set(rows)).sort()
    const writer = new MessageWriter(columns, chunk, level, members, out)
    return (row) => writer.write(members.indexOf(row))
  }

  #rowsOf(columns: SectionColumns, ids: Uint32Array, from: number, to: number): SealedRows {
    // Rows before a trace are counted from the first trace of its chunk on.
    let before = 0
    const first = new Uint32Array(to - from + 1)
    const lengths = columns.numbers(ROWS, 0, to)
    for (let trace = 0; trace < from; trace++) before += lengths.value[trace]!
    first[0] = before
    for (let trace = from; trace < to; trace++) first[trace - from + 1] = first[trace - from]! + lengths.value[trace]!
    if (first[to - from]! > this.spans) throw new RangeError(`${first[to - from]} rows of ${this.spans}`)
    const traces: SealedTraces = { count: to - from, ids, first, start: columns.numbers(START, from, to) }
    return new SealedRows(columns, traces, this.minStart)
  }

  #allTraceIds(columns: SectionColumns): Uint32Array {
    const ids = new Uint32Array(4 * this.traces)
    for (const chunk of columns.chunks(LEVEL.trace, 0, this.traces))
      ids.set(this.#traceIds(columns, chunk), 4 * chunk.first[LEVEL.trace]!)
    return ids
  }

  #traceIds(columns: SectionColumns, chunk: Parameters<SectionFile['load']>[0]): Uint32Array {
    const bits = this.#file.bits(chunk, columns.need(TRACE_ID))
    if (!bits || bits.length !== 16 * chunk.rows[LEVEL.trace]!)
      throw new RangeError('a chunk of traces without their ids')
    const bytes = new Uint8Array(bits.view.buffer, bits.view.byteOffset + bits.at / 8, bits.length)
    return new Uint32Array(Uint8Array.from(bytes).buffer)
  }

  #columns(): SectionColumns {
    return this.#file.kept(
      'columns',
      () => new SectionColumns(this.#file, this.#stepBytes),
      // Measured: half of what the readers of all columns take.
      () => this.#stepBytes + 6 * this.meta.head.raw,
    )
  }

  #mayMatch(ask: () => boolean): boolean {
    try {
      return ask()
    } catch {
      return true
    }
  }

  #reading<T>(read: () => T): T {
    try {
      return this.#file.reading(read)
    } catch (error) {
      out.clear()
      throw error
    }
  }
}
