import { crc32 } from 'node:zlib'
import { StorageError, type Target } from '../../contract.ts'
import type { Value } from '../block/attribute.ts'
import { ATTRIBUTE_PROBES, bloomHas, TRACE_PROBES } from '../block/bloom.ts'
import { createRows, type BlockRows, type OperationKey } from '../block/rows.ts'
import { decompress } from '../files/log.ts'
import { ByteCache, Slot } from '../read/byte-cache.ts'
import { attributeTarget } from '../read/span-view.ts'
import { collectValues } from '../read/wire.ts'
import { CHUNK_ROWS } from './encode.ts'
import { readGroups, type Group } from './group.ts'
import type { SectionMeta, Stream } from './section-meta.ts'
import { lengthDelimited } from './wire.ts'

/** Reads bytes of the section, from its first byte on; throws what the disk throws. Fewer bytes than asked for: the file ends there. */
export type SectionReader = (offset: number, length: number) => Uint8Array

/** The values of a target in all rows of a section: one column or several, and a row has its values of all of them. */
export interface ColumnValues {
  readonly columns: readonly ValueColumn[]
  /** Rows, ascending, whose values are not in the columns: their bytes have to be read. Default: none. */
  readonly unread?: Uint32Array
}

/** Distinct values, and which row has which. */
export interface ValueColumn {
  /** How many distinct values there are, numbered from 0. */
  readonly size: number
  /** A value as filters compare it. */
  value(entry: number): Value
  /** A row's entry + 1; 0: the row has none. */
  readonly codes: Uint8Array | Uint16Array | Uint32Array
  /** Where rows may have several: those of row r are `codes` from `offsets[r]` to `offsets[r + 1]`. */
  readonly offsets?: Uint32Array
}

/**
 * A section as queries see it. What reads throws StorageError `corrupt` where the bytes are not those that were written, and what the reader
 * throws; the filters do not: what cannot be read may match.
 */
export class Section {
  readonly spans: number
  readonly traces: number
  readonly minStart: bigint
  readonly maxStart: bigint
  readonly meta: SectionMeta
  readonly #read: SectionReader
  readonly #cache: ByteCache
  readonly #services: ReadonlySet<string>
  readonly #slots = new Map<Stream, Slot>()
  readonly #rowsSlot = new Slot()

  constructor(meta: SectionMeta, read: SectionReader, cache = new ByteCache(1 << 24)) {
    this.meta = meta
    this.spans = meta.spans
    this.traces = meta.traces
    this.minStart = BigInt(meta.minStart)
    this.maxStart = BigInt(meta.maxStart)
    this.#read = read
    this.#cache = cache
    this.#services = new Set(meta.operations.map(({ service }) => service))
  }

  get operations(): readonly OperationKey[] {
    return this.meta.operations
  }

  mayHaveService(service: string): boolean {
    return this.#services.has(service)
  }

  /** By the hash of its id. */
  mayHaveTrace(hash: number): boolean {
    return this.#mayHave('traceFilter', hash, TRACE_PROBES)
  }

  /** By the hash of a key, or of a key and value. */
  mayHaveAttribute(hash: number): boolean {
    return this.#mayHave('attributeFilter', hash === 0 ? 1 : hash, ATTRIBUTE_PROBES)
  }

  /** All rows, by trace id and start. They have no frames, and no place of spans, groups and scopes in frames. */
  rows(): BlockRows {
    return this.#cache.get(
      this.#rowsSlot,
      () => this.#loadRows(),
      (rows) => 80 * rows.count,
    )
  }

  /** The rows of one trace and no others, by start; undefined when there are none. */
  traceRows(id: Uint32Array): BlockRows | undefined {
    const rows = this.rows()
    const { traceIds, traceCount } = rows
    const index = Array.from({ length: traceCount }, (_, i) => i).find((i) =>
      id.every((word, k) => traceIds[4 * i + k] === word),
    )
    if (index === undefined) return undefined
    const first = rows.trace.indexOf(index)
    const last = rows.trace.lastIndexOf(index)
    return sliceRows(rows, first, last + 1)
  }

  /** The values of a target by rows of {@link rows}; undefined: there are no such columns, and the spans' bytes have to be read. */
  values(target: Target): ColumnValues | undefined {
    if (!('attribute' in target)) return undefined
    const { key, span, resource, scope } = attributeTarget(target)
    const groups = this.#groups()
    const groupValues = groups.map((group) => {
      const values: Value[] = []
      const place = { direct: 0, nested: 0x0a }
      if (resource) collectValues(group.resource, 0, group.resource.length, { ...place, inner: 0x0a }, key, values)
      if (scope) collectValues(group.scope, 0, group.scope.length, { ...place, inner: 0x1a }, key, values)
      return values
    })
    const rows = this.rows()
    const distinct = new Map<string, number>()
    const values: Value[] = []
    const codes: number[] = []
    const offsets = new Uint32Array(rows.count + 1)
    for (let row = 0; row < rows.count; row++) {
      const own: Value[] = []
      if (span) {
        const bytes = this.#span(rows, row)
        collectValues(bytes, 0, bytes.length, span, key, own)
      }
      for (const value of [...own, ...groupValues[rows.group[row]!]!]) {
        const text = `${typeof value}:${Object.is(value, -0) ? '-0' : String(value)}`
        let entry = distinct.get(text)
        if (entry === undefined) {
          distinct.set(text, (entry = distinct.size))
          values.push(value)
        }
        codes.push(entry + 1)
      }
      offsets[row + 1] = codes.length
    }
    return {
      columns: [{ size: values.length, value: (entry) => values[entry]!, codes: Uint32Array.from(codes), offsets }],
    }
  }

  /** Some spans as one serialized `TracesData`, each byte for byte as it came. `members`: row numbers in `rows`, which this section gave. */
  spanBytes(rows: BlockRows, members: Uint32Array): Uint8Array {
    const groups = this.#groups()
    const pieces: Uint8Array[] = []
    for (let i = 0; i < members.length;) {
      const number = rows.group[members[i]!]!
      const spans: Uint8Array[] = []
      for (; i < members.length && rows.group[members[i]!] === number; i++)
        spans.push(...lengthDelimited(0x12, [this.#span(rows, members[i]!)]))
      const { request, resource, scope } = groups[number]!
      const inner = lengthDelimited(0x12, [scope, ...spans])
      pieces.push(...lengthDelimited(0x0a, [resource, ...inner]), request)
    }
    return Buffer.concat(pieces)
  }

  #span(rows: BlockRows, row: number): Uint8Array {
    const all = this.rows()
    const from = rows.spanStart[row]!
    const end = rows.spanEnd[row]!
    let low = 0
    let high = all.count - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (all.spanStart[middle]! < from || all.spanEnd[middle]! < end) low = middle + 1
      else high = middle
    }
    const chunk = Math.floor(low / CHUNK_ROWS)
    const stream = this.meta.streams.filter(({ name }) => name === 'spans')[chunk]!
    const base = all.spanStart[chunk * CHUNK_ROWS]!
    return this.#stream(stream).subarray(from - base, end - base)
  }

  #mayHave(name: string, hash: number, probes: number): boolean {
    const stream = this.meta.streams.find((stream) => stream.name === name)
    if (!stream) return true
    try {
      const bytes = this.#stream(stream)
      return bloomHas(new Uint32Array(Uint8Array.from(bytes).buffer), hash, probes)
    } catch {
      return true
    }
  }

  #groups(): Group[] {
    return readGroups(this.#named('groups'))
  }

  #named(name: string): Buffer {
    const stream = this.meta.streams.find((stream) => stream.name === name)
    if (!stream) throw new StorageError('corrupt', `a sealed section has no ${name}`)
    return this.#stream(stream)
  }

  #stream(stream: Stream): Buffer {
    let slot = this.#slots.get(stream)
    if (!slot) this.#slots.set(stream, (slot = new Slot()))
    return this.#cache.get(
      slot,
      () => {
        const bytes = this.#read(stream.offset, stream.length)
        if (bytes.length !== stream.length || crc32(bytes) !== stream.crc)
          throw new StorageError('corrupt', `${stream.name} at byte ${stream.offset} of a sealed section is damaged`)
        return decompress(bytes, stream.raw)
      },
      (bytes) => bytes.length,
    )
  }

  #loadRows(): BlockRows {
    const n = this.spans
    const { buffer } = Uint8Array.from(this.#named('rows'))
    let at = 0
    const place = (bytes: number): number => (at += bytes) - bytes
    const words = (length: number): Uint32Array => new Uint32Array(buffer, place(4 * length), length)
    const rows = createRows(n)
    rows.count = n
    rows.durationNs = new Float64Array(buffer, place(8 * n), n)
    const ids = words(4 * n)
    rows.spanId = words(2 * n)
    rows.parentId = words(2 * n)
    rows.startLo = words(n)
    rows.startHi = words(n)
    rows.operation = words(n)
    rows.group = words(n)
    const lengths = words(n)
    rows.status = new Uint8Array(buffer, place(n), n)
    rows.operations = [...this.meta.operations]
    for (let row = 0, end = 0; row < n; row++) {
      rows.spanStart[row] = end
      rows.spanEnd[row] = end += lengths[row]!
      const last = 4 * (rows.traceCount - 1)
      if (row === 0 || [0, 1, 2, 3].some((k) => rows.traceIds[last + k] !== ids[4 * row + k]))
        rows.traceIds.set(ids.subarray(4 * row, 4 * row + 4), 4 * rows.traceCount++)
      rows.trace[row] = rows.traceCount - 1
    }
    rows.groupCount = this.#groups().length
    rows.groups = new Uint32Array(4 * rows.groupCount)
    return rows
  }
}

function sliceRows(rows: BlockRows, from: number, to: number): BlockRows {
  const trace = rows.trace[from]!
  return {
    ...rows,
    count: to - from,
    trace: new Uint32Array(to - from),
    operation: rows.operation.slice(from, to),
    group: rows.group.slice(from, to),
    status: rows.status.slice(from, to),
    spanId: rows.spanId.slice(2 * from, 2 * to),
    parentId: rows.parentId.slice(2 * from, 2 * to),
    startLo: rows.startLo.slice(from, to),
    startHi: rows.startHi.slice(from, to),
    durationNs: rows.durationNs.slice(from, to),
    spanStart: rows.spanStart.slice(from, to),
    spanEnd: rows.spanEnd.slice(from, to),
    traceCount: 1,
    traceIds: rows.traceIds.slice(4 * trace, 4 * trace + 4),
  }
}
