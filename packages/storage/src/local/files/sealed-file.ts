import { crc32 } from 'node:zlib'
import type { SectionMeta } from '../sealed/section-meta.ts'
import type { File } from './file-system.ts'
import { compress, decompress, newerFormat, readExactly, VERSION } from './log.ts'

/*
 * The sealed form of a segment, which takes the place of its log and index. Written once, from the first byte to the last, and never changed:
 *
 *   file      := header, section*, trace filter, directory, footer
 *   header    := "SPOORSEA" u32 version, u32 crc32 (of the header with 0 in its place), f64 created (ms since 1970), u32 features that
 *                must be known, u32 salt, f64 last arrival (ms since 1970), f64 bytes of log and index before, f64 bytes of the file,
 *                f64 spans, u64 earliest and u64 latest start (ns since 1970), f64 offset of the directory, u32 its crc32,
 *                u32 sections, u32 raw length of the directory, u32 flags (1: retention has taken from it what is not kept)
 *                                                                                                    104 bytes
 *   section   := u32 magic, u32 crc32 (of the rest of this head, and meta), u32 salt, u32 spans, u32 length of meta, u32 its raw
 *                length, u32 length of the body, u32 its crc32, u32 digest of the spans (see `digest.ts`), u32 0       40 bytes
 *                meta (JSON, zstd), body
 *   directory := JSON, zstd: where each section and the trace filter are, with the sections' metas
 *   footer    := the header once more
 *
 * All little-endian. Whatever is damaged costs no more than itself: the header has its copy, the directory can be made from the sections, which
 * are found by magic number and salt. What is in a section's body is said in `../sealed/`.
 */

export const SEALED_HEADER = 104
const SECTION_HEAD = 40
/** What older versions need not know of: to them it is a segment with few spans. */
const KEPT_FLAG = 1
const FILE_MAGIC = Buffer.from('SPOORSEA')
const SECTION_MAGIC = 0x43455350
/** Bytes of meta beyond which a section's head is garbage. */
const MAX_META = 1 << 27
const WINDOW = 1 << 20

export interface SealedHeader {
  readonly version: number
  /** When the log was begun and when its last record came, milliseconds since 1970. */
  readonly createdMs: number
  readonly endedMs: number
  readonly salt: number
  /** What log and index took. */
  readonly logBytes: number
  /** Of this file. */
  readonly size: number
  readonly spans: number
  readonly sections: number
  /** Nanoseconds since 1970; 0 when there are no spans. */
  readonly minStart: bigint
  readonly maxStart: bigint
  readonly directoryAt: number
  readonly directoryCrc: number
  /** Of the directory when it is inflated. */
  readonly directoryBytes: number
  /** Its turn to be deleted has come, and it has what is kept longer. */
  readonly isKept: boolean
}

/** Where something is in the file. */
export interface Place {
  readonly offset: number
  readonly length: number
  readonly crc: number
}

export interface PlacedSection {
  /** Of its head. */
  readonly at: number
  readonly body: Place
  /** Of its spans; what is read from the section must have it, too. */
  readonly digest: number
  readonly meta: SectionMeta
}

/** Sections that cannot be found any more. */
export interface LostSections {
  /** Of the first, and how many bytes there are that belong to none. */
  readonly offset: number
  readonly bytes: number
  /** Spans in them, at most; undefined when nothing can tell. */
  readonly maxSpans: number | undefined
}

/** What a directory says. An unknown member is of a later version, and of no use here. */
export interface SealedDirectory {
  readonly sections: readonly PlacedSection[]
  /** Undefined: there is none, any trace may be in it. */
  readonly filter?: Place
  /** Sections that were damaged when the directory was made from what was left. */
  readonly lost?: LostSections
}

/** `damaged`: header and footer are; there may be sections. */
export type SealedState =
  | { readonly state: 'ok'; readonly header: SealedHeader; readonly headerDamaged: boolean }
  | { readonly state: 'newer'; readonly what: string }
  | { readonly state: 'damaged' }

export function encodeHeader(header: SealedHeader): Buffer {
  const bytes = Buffer.alloc(SEALED_HEADER)
  FILE_MAGIC.copy(bytes)
  bytes.writeUInt32LE(header.version, 8)
  bytes.writeDoubleLE(header.createdMs, 16)
  bytes.writeUInt32LE(header.salt, 28)
  for (const [i, number] of [header.endedMs, header.logBytes, header.size, header.spans].entries())
    bytes.writeDoubleLE(number, 32 + 8 * i)
  bytes.writeBigUInt64LE(header.minStart, 64)
  bytes.writeBigUInt64LE(header.maxStart, 72)
  bytes.writeDoubleLE(header.directoryAt, 80)
  bytes.writeUInt32LE(header.directoryCrc, 88)
  bytes.writeUInt32LE(header.sections, 92)
  bytes.writeUInt32LE(header.directoryBytes, 96)
  bytes.writeUInt32LE(header.isKept ? KEPT_FLAG : 0, 100)
  bytes.writeUInt32LE(crc32(bytes), 12)
  return bytes
}

/** By its header, or the copy at its end. */
export function readSealedState(file: File): SealedState {
  const size = file.size()
  const first = parseHeader(readExactly(file, 0, SEALED_HEADER))
  if (first)
    return 'what' in first ? { state: 'newer', ...first } : { state: 'ok', header: first, headerDamaged: false }
  const last =
    size < 2 * SEALED_HEADER ? undefined : parseHeader(readExactly(file, size - SEALED_HEADER, SEALED_HEADER))
  if (last) return 'what' in last ? { state: 'newer', ...last } : { state: 'ok', header: last, headerDamaged: true }
  return { state: 'damaged' }
}

function parseHeader(bytes: Buffer): SealedHeader | { readonly what: string } | undefined {
  if (bytes.length < SEALED_HEADER || !bytes.subarray(0, 8).equals(FILE_MAGIC)) return undefined
  const crc = bytes.readUInt32LE(12)
  bytes.writeUInt32LE(0, 12)
  if (crc32(bytes) !== crc) return undefined
  const version = bytes.readUInt32LE(8)
  if (version > VERSION) return { what: `sealed format ${version}` }
  const features = bytes.readUInt32LE(24)
  if (features !== 0) return { what: `sealed features 0x${features.toString(16)}` }
  return {
    version,
    createdMs: bytes.readDoubleLE(16),
    salt: bytes.readUInt32LE(28),
    endedMs: bytes.readDoubleLE(32),
    logBytes: bytes.readDoubleLE(40),
    size: bytes.readDoubleLE(48),
    spans: bytes.readDoubleLE(56),
    minStart: bytes.readBigUInt64LE(64),
    maxStart: bytes.readBigUInt64LE(72),
    directoryAt: bytes.readDoubleLE(80),
    directoryCrc: bytes.readUInt32LE(88),
    sections: bytes.readUInt32LE(92),
    directoryBytes: bytes.readUInt32LE(96),
    isKept: (bytes.readUInt32LE(100) & KEPT_FLAG) !== 0,
  }
}

/** `body`: its length and checksum. */
export function encodeSectionHead(
  meta: SectionMeta,
  salt: number,
  body: Omit<Place, 'offset'>,
  digest: number,
): Buffer {
  const json = Buffer.from(JSON.stringify(meta))
  const packed = compress(json)
  const head = Buffer.alloc(SECTION_HEAD)
  head.writeUInt32LE(SECTION_MAGIC, 0)
  head.writeUInt32LE(salt, 8)
  head.writeUInt32LE(meta.spans, 12)
  for (const [i, number] of [packed.length, json.length, body.length, body.crc, digest].entries())
    head.writeUInt32LE(number, 16 + 4 * i)
  head.writeUInt32LE(crc32(packed, crc32(head.subarray(8))), 4)
  return Buffer.concat([head, packed])
}

/** The section whose head is at `at`; undefined when it is not whole. `salt`: undefined where it is not known. */
export function readSection(file: File, at: number, size: number, salt: number | undefined): PlacedSection | undefined {
  const head = readExactly(file, at, SECTION_HEAD)
  if (head.length < SECTION_HEAD || head.readUInt32LE(0) !== SECTION_MAGIC) return undefined
  if (salt !== undefined && head.readUInt32LE(8) !== salt) return undefined
  const length = head.readUInt32LE(16)
  const body = {
    offset: at + SECTION_HEAD + length,
    length: head.readUInt32LE(24),
    crc: head.readUInt32LE(28),
  }
  const rawLength = head.readUInt32LE(20)
  if (length > MAX_META || rawLength > MAX_META || body.offset + body.length > size) return undefined
  const packed = readExactly(file, at + SECTION_HEAD, length)
  if (crc32(packed, crc32(head.subarray(8))) !== head.readUInt32LE(4)) return undefined
  return { at, body, digest: head.readUInt32LE(32), meta: inflate(packed, rawLength) as SectionMeta }
}

/** The first section whose head is at `from` or behind. */
function findSection(file: File, salt: number | undefined, from: number, size: number): PlacedSection | undefined {
  const magic = Buffer.alloc(4)
  magic.writeUInt32LE(SECTION_MAGIC)
  for (let at = from; at < size; at += WINDOW) {
    const bytes = readExactly(file, at, Math.min(WINDOW + 3, size - at))
    for (let i = bytes.indexOf(magic); i >= 0; i = bytes.indexOf(magic, i + 1)) {
      const section = readSection(file, at + i, size, salt)
      if (section) return section
    }
  }
  return undefined
}

export interface SealedContents extends SealedDirectory {
  /** Undefined where both copies are damaged. */
  readonly header: SealedHeader | undefined
  readonly headerDamaged: boolean
  /** The directory is not what was written, and was made from the sections. */
  readonly directoryDamaged: boolean
}

/** What is in a sealed segment, as far as it can be found. Throws StorageError `newer_format`, and what the file system throws. */
export function readSealed(file: File, path: string): SealedContents {
  const state = readSealedState(file)
  if (state.state === 'newer') throw newerFormat(path, state.what)
  const header = state.state === 'ok' ? state.header : undefined
  const headerDamaged = state.state !== 'ok' || state.headerDamaged
  const directory = header && readDirectory(file, header)
  if (directory) return { header, headerDamaged, directoryDamaged: false, ...directory }
  return { header, headerDamaged, directoryDamaged: true, ...walkSections(file, header) }
}

function readDirectory(file: File, header: SealedHeader): SealedDirectory | undefined {
  const { directoryAt, directoryCrc, directoryBytes, size } = header
  if (size !== file.size()) return undefined
  const bytes = readExactly(file, directoryAt, Math.max(0, size - SEALED_HEADER - directoryAt))
  if (crc32(bytes) !== directoryCrc) return undefined
  return inflate(bytes, directoryBytes) as SealedDirectory
}

function inflate(packed: Uint8Array, length: number): unknown {
  return JSON.parse(decompress(packed, length).toString())
}

function walkSections(file: File, header: SealedHeader | undefined): SealedDirectory {
  const size = file.size()
  const end = Math.min(size, header?.directoryAt ?? size)
  const sections: PlacedSection[] = []
  let at = SEALED_HEADER
  let gap: { offset: number; bytes: number } | undefined
  let salt = header?.salt
  while (at < end) {
    const section = readSection(file, at, size, salt) ?? findSection(file, salt, at + 1, size)
    const next = section?.at ?? end
    // What is behind the last section is the filter, or nothing can tell.
    if (next > at && (section || (header && sections.length < header.sections)))
      gap = { offset: gap?.offset ?? at, bytes: (gap?.bytes ?? 0) + next - at }
    if (!section) break
    salt ??= saltOf(file, section)
    sections.push(section)
    at = section.body.offset + section.body.length
  }
  const found = sections.reduce((sum, { meta }) => sum + meta.spans, 0)
  const missing = header && header.spans - found
  if (header && !gap && !missing) return { sections }
  return { sections, lost: { ...(gap ?? { offset: at, bytes: Math.max(0, end - at) }), maxSpans: missing } }
}

function saltOf(file: File, { at }: PlacedSection): number {
  return readExactly(file, at, SECTION_HEAD).readUInt32LE(8)
}

/** Whether the bytes at a place are those that were written. */
export function isIntact(file: File, { offset, length, crc }: Place): boolean {
  let sum = 0
  for (let at = offset; at < offset + length; at += WINDOW) {
    const bytes = readExactly(file, at, Math.min(WINDOW, offset + length - at))
    if (bytes.length === 0) return false
    sum = crc32(bytes, sum)
  }
  return sum === crc
}

/** Whether the copy of the header is what it should be. */
export function isFooterIntact(file: File, header: SealedHeader): boolean {
  return readExactly(file, header.size - SEALED_HEADER, SEALED_HEADER).equals(encodeHeader(header))
}

/** Whether everything in it is as it was written: all of it is read. */
export function isWhole(file: File, path: string): boolean {
  const { header, headerDamaged, directoryDamaged, sections, filter, lost } = readSealed(file, path)
  if (!header || headerDamaged || directoryDamaged || lost || sections.length !== header.sections) return false
  const spans = sections.reduce((sum, { meta }) => sum + meta.spans, 0)
  if (spans !== header.spans || (filter && !isIntact(file, filter)) || !isFooterIntact(file, header)) return false
  return sections.every(({ at, body }) => readSection(file, at, header.size, header.salt) && isIntact(file, body))
}
