import { crc32 } from 'node:zlib'
import { ATTRIBUTE_BITS, ATTRIBUTE_PROBES, bloomAdd, createBloom, TRACE_BITS, TRACE_PROBES } from '../block/bloom.ts'
import { hashWords, type HashSet } from '../block/hash.ts'
import type { KeyedHashes } from '../block/keyed-hashes.ts'
import { freeMemory } from '../block/memory.ts'
import type { File } from './file-system.ts'
import { compress, decompress, newerFormat, readExactly, VERSION } from './log.ts'
import { zonesOf, type Zones } from '../block/zones.ts'
import { startOf, type BlockRows } from '../block/rows.ts'
import { packColumns, packedLength, unpackColumns, type PackedBlock, type PackedCounts } from './packed-columns.ts'

/*
 * The index of a segment: a block of header columns and filters for each stretch of the log, in the log's order and without gaps.
 * It is written after the stretch is durable and can be made again from it.
 *
 *   file  := "SPOORIDX" u32 version = 3, u32 crc32 (of the twelve bytes before and the log's salt)   16 bytes
 *            block*
 *   block := u32 magic, u32 crc32 (of the rest of the head and of meta), u32 length of
 *            meta, of trace filter, of attribute filter, of columns, u32 features that
 *            must be known, u32 0                                                      32 bytes
 *            meta (JSON), trace filter, attribute filter, columns (zstd)
 *
 * The log's salt in the checksum ties the index to its log: one that was left by another log of the same name does not count.
 * Format 2 has version 2; format 1 has version 1 and 0 for the checksum. Their blocks are the same.
 */
export const INDEX_HEADER = 16
const BLOCK_HEAD = 32
const FILE_MAGIC = Buffer.from('SPOORIDX')
const BLOCK_MAGIC = 0x31495053
/** Bytes of a block's meta beyond which its head is garbage. */
const MAX_META = 1 << 27
/** Bytes of the meta of a block that stands for damage, filled up with spaces. */
const DAMAGE_META = 384
/** Of nanoseconds since 1970, on the wire. */
export const ALL_TIME: readonly [bigint, bigint] = [0n, 2n ** 64n - 1n]

/** What is known of a block without reading its columns. */
export interface BlockMeta extends PackedBlock {
  /** Which bytes of the log it describes, from {@link PackedBlock.logStart}. */
  readonly logEnd: number
  /** Decimal nanoseconds since 1970: earliest and latest start of a span. */
  readonly minStart: string
  readonly maxStart: string
  /** Undefined where an earlier version wrote the block; see {@link readZones}. */
  readonly zones?: Zones
  /** The id of the only trace, 32 hex digits; undefined where there are several, or an earlier version wrote the block. */
  readonly only?: string
  /** Probes of the trace filter; undefined: {@link EARLY_TRACE_PROBES}. */
  readonly traceProbes?: number
  /** Whether the attribute filter has the attributes of links: those of earlier versions have not. */
  readonly links?: boolean
  /** The keys of all attributes, each once, perhaps some more; undefined where there are too many, or an earlier version wrote the block. */
  readonly keys?: readonly string[]
  readonly crcs: readonly [trace: number, attribute: number]
  /** When its last record was written, milliseconds since 1970; undefined where its log is of format 1. */
  readonly arrivedMs?: number
  /**
   * There are bytes in this stretch of the log that cannot be read (or, where the stretch is empty, that are gone): then the block has no
   * spans, and [minStart, maxStart] is the range of time in which those spans may be that are missing.
   */
  readonly damaged?: Damaged
}

export interface Damaged {
  readonly bytes: number
  /** Spans that are missing, at most; undefined when nothing can tell. */
  readonly maxSpans?: number
}

export interface IndexBlock {
  readonly meta: BlockMeta
  /** Where the sections are in the index file. A length of 0: there is no such filter, anything may match. */
  readonly traceFilter: Section
  readonly attributeFilter: Section
  readonly columns: Section
  readonly end: number
}

export interface Section {
  readonly offset: number
  readonly length: number
}

export function indexHeader(salt: number): Buffer {
  const header = Buffer.alloc(INDEX_HEADER)
  FILE_MAGIC.copy(header)
  header.writeUInt32LE(VERSION, 8)
  header.writeUInt32LE(headerCrc(header, salt), 12)
  return header
}

function headerCrc(header: Buffer, salt: number): number {
  const key = Buffer.alloc(4)
  key.writeUInt32LE(salt)
  return crc32(key, crc32(header.subarray(0, 12)))
}

/**
 * Whether the file is the index of the log with this salt, and one that this version can read; else it is made again. Throws
 * StorageError `newer_format` for one that a later version wrote.
 */
export function isIndex(file: File, path: string, salt: number): boolean {
  const header = readExactly(file, 0, INDEX_HEADER)
  if (header.length < INDEX_HEADER || !header.subarray(0, 8).equals(FILE_MAGIC)) return false
  const version = header.readUInt32LE(8)
  const crc = header.readUInt32LE(12)
  if (version === 1) return crc === 0 && salt === 0
  if (headerCrc(header, salt) !== crc) return false
  if (version > VERSION) throw newerFormat(path, `index format ${version}`)
  return true
}

/** The bytes of a block of the index. */
export function encodeBlock(
  rows: BlockRows,
  hashes: KeyedHashes,
  logStart: number,
  logEnd: number,
  arrivedMs = 0,
  traces = traceHashes(rows),
): Uint8Array[] {
  const traceFilter = asBytes(filterTraces(traces))
  const attributeFilter = hashes.overflowed ? new Uint8Array() : asBytes(filterAttributes(hashes))
  const columns = compress(packColumns(rows, logStart))
  const [min, max] = startRange(rows)
  const meta: BlockMeta = {
    logStart,
    logEnd,
    spans: rows.count,
    traces: rows.traceCount,
    groups: rows.groupCount,
    frames: rows.frames.length,
    minStart: min.toString(),
    maxStart: max.toString(),
    operations: rows.operations,
    zones: zonesOf(rows),
    links: true,
    ...(hashes.keys && { keys: hashes.keys }),
    traceProbes: TRACE_PROBES,
    ...(rows.traceCount === 1 && { only: Buffer.from(asBytes(rows.traceIds)).toString('hex', 0, 16) }),
    crcs: [crc32(traceFilter), crc32(attributeFilter)],
    ...(arrivedMs > 0 && { arrivedMs }),
  }
  return encodeSections(meta, traceFilter, attributeFilter, columns)
}

/**
 * The bytes of a block that stands for what is missing. Always of one length, so that it can be written when its place is reached and again
 * when the range of time is known.
 */
export function encodeDamage(
  logStart: number,
  logEnd: number,
  damaged: Damaged,
  [min, max]: readonly [bigint, bigint],
): Uint8Array[] {
  const none = new Uint8Array()
  const meta: BlockMeta = {
    logStart,
    logEnd,
    spans: 0,
    traces: 0,
    groups: 0,
    frames: 0,
    minStart: min.toString(),
    maxStart: max.toString(),
    operations: [],
    crcs: [0, 0],
    damaged,
  }
  return encodeSections(meta, none, none, none, DAMAGE_META)
}

function encodeSections(
  meta: BlockMeta,
  traceFilter: Uint8Array,
  attributeFilter: Uint8Array,
  columns: Uint8Array,
  width = 0,
): Uint8Array[] {
  const json = Buffer.from(JSON.stringify(meta).padEnd(width))
  const head = Buffer.alloc(BLOCK_HEAD)
  head.writeUInt32LE(BLOCK_MAGIC, 0)
  for (const [i, section] of [json, traceFilter, attributeFilter, columns].entries())
    head.writeUInt32LE(section.length, 8 + 4 * i)
  head.writeUInt32LE(crc32(json, crc32(head.subarray(8))), 4)
  return [head, json, traceFilter, attributeFilter, columns]
}

/**
 * The block at `offset`, or undefined when there is none that is whole. Throws StorageError `newer_format` for one that a later version
 * wrote.
 */
export function readBlock(file: File, offset: number, size: number, path = 'the index'): IndexBlock | undefined {
  const head = readExactly(file, offset, BLOCK_HEAD)
  if (head.length < BLOCK_HEAD || head.readUInt32LE(0) !== BLOCK_MAGIC) return undefined
  const [meta, trace, attribute, columns] = [8, 12, 16, 20].map((at) => head.readUInt32LE(at)) as [
    number,
    number,
    number,
    number,
  ]
  const traceAt = offset + BLOCK_HEAD + meta
  const end = traceAt + trace + attribute + columns
  if (end > size || meta > MAX_META) return undefined
  const json = readExactly(file, offset + BLOCK_HEAD, meta)
  if (crc32(json, crc32(head.subarray(8))) !== head.readUInt32LE(4)) return undefined
  const features = head.readUInt32LE(24)
  if (features !== 0)
    throw newerFormat(path, `an index block with features 0x${features.toString(16)} at byte ${offset}`)
  return {
    meta: JSON.parse(json.toString()) as BlockMeta,
    traceFilter: { offset: traceAt, length: trace },
    attributeFilter: { offset: traceAt + trace, length: attribute },
    columns: { offset: traceAt + trace + attribute, length: columns },
    end,
  }
}

/** A filter's bits; undefined when the section is empty or damaged, and then anything may match. */
export function readFilter(file: File, section: Section, crc: number): Uint32Array | undefined {
  if (section.length === 0) return undefined
  const bytes = readExactly(file, section.offset, section.length)
  if (bytes.length < section.length || crc32(bytes) !== crc) return undefined
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2)
}

/** The columns of a block; undefined when they are damaged. */
export function readColumns(file: File, { meta, columns }: IndexBlock): BlockRows | undefined {
  const packed = readPacked(file, columns, meta)
  if (!packed) return undefined
  const rows = unpackColumns(packed, meta)
  freeMemory(packed)
  return rows
}

/** The columns of a block as they are packed; undefined when they are damaged. */
export function readPacked(file: File, { offset, length }: Section, counts: PackedCounts): Uint8Array | undefined {
  if (counts.spans === 0) return new Uint8Array(packedLength(counts))
  const bytes = readExactly(file, offset, length)
  try {
    const packed = decompress(bytes, packedLength(counts))
    freeMemory(bytes)
    return packed.length === packedLength(counts) ? packed : undefined
  } catch {
    return undefined
  }
}

/** What trace filters know a trace by. */
export function traceHashes({ traceCount, traceIds }: BlockRows): Uint32Array {
  const hashes = new Uint32Array(traceCount)
  for (let i = 0; i < traceCount; i++) {
    const at = 4 * i
    hashes[i] = hashWords(traceIds[at]!, traceIds[at + 1]!, traceIds[at + 2]!, traceIds[at + 3]!)
  }
  return hashes
}

function filterTraces(traces: Uint32Array): Uint32Array {
  const bloom = createBloom(traces.length, TRACE_BITS)
  for (const hash of traces) bloomAdd(bloom, hash, TRACE_PROBES)
  return bloom
}

function filterAttributes(hashes: HashSet): Uint32Array {
  const bloom = createBloom(hashes.size, ATTRIBUTE_BITS)
  for (const hash of hashes) bloomAdd(bloom, hash, ATTRIBUTE_PROBES)
  return bloom
}

export function startRange(rows: BlockRows): [min: bigint, max: bigint] {
  if (rows.count === 0) return [0n, 0n]
  const { startHi, startLo } = rows
  let min = 0
  let max = 0
  for (let i = 1; i < rows.count; i++) {
    const hi = startHi[i]!
    const lo = startLo[i]!
    if (hi < startHi[min]! || (hi === startHi[min] && lo < startLo[min]!)) min = i
    if (hi > startHi[max]! || (hi === startHi[max] && lo > startLo[max]!)) max = i
  }
  return [startOf(rows, min), startOf(rows, max)]
}

function asBytes(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength)
}
