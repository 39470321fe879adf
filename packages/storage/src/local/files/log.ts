import { constants, crc32, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { StorageError } from '../../contract.ts'
import { freeMemory } from '../block/memory.ts'
import type { File } from './file-system.ts'

/*
 * The block log of a segment, the truth of the store:
 *
 *   file    := "SPOORLOG" u32 version = 3, u32 crc32 (of the header with 0 in its place), f64 created (ms since 1970),
 *              u32 features that must be known, u32 salt                                            32 bytes
 *              record*
 *   record  := u32 magic, u32 crc32 (of the rest of this header), u32 crc32 of the body, u32 body length, u32 frames, u32 spans,
 *              u32 features that must be known, u32 salt, f64 arrived (ms since 1970)               40 bytes
 *              (u32 raw length, u32 length) a frame
 *              zstd frames, each of whole serialized requests
 *
 * All little-endian. A record is one group commit: it is there wholly, or it is torn and was never acknowledged. The salt is drawn for
 * each log: bytes in a sender's span that look like a record are not taken for one where a damaged log is searched for what is left.
 *
 * Format 2, which is read for ever and never written, is the same with version 2: it had no sealed segments.
 *
 * Format 1, which is read for ever and never written: the file header has zeros for checksum, features and salt; a record's header is
 * u32 magic, u32 crc32 (of all that follows), u32 body length, u32 frames, u32 spans, u32 raw length, 8 bytes 0: 32 bytes.
 */

export const FILE_HEADER = 32
/** Bytes of a record's header in format 2, which is the larger one. */
export const RECORD_HEADER = 40
const RECORD_HEADER_1 = 32
/** The format that this version writes; it reads all before. */
export const VERSION = 3
const FILE_MAGIC = Buffer.from('SPOORLOG')
const RECORD_MAGIC = 0x32525053
const RECORD_MAGIC_1 = 0x31525053
/** More frames than a record of maxPendingBytes can have; beyond it a header is garbage. */
const MAX_FRAMES = 1 << 20

export interface LogFrame {
  readonly rawLength: number
  /** In the file. */
  readonly offset: number
  readonly length: number
}

export interface LogRecord {
  readonly start: number
  readonly end: number
  readonly spans: number
  /** When it was written, milliseconds since 1970; 0 in format 1. */
  readonly arrivedMs: number
  readonly frames: readonly LogFrame[]
}

/** What a log's header says. */
export interface LogHeader {
  readonly version: number
  /** Milliseconds since 1970. */
  readonly createdMs: number
  /** 0 in format 1. */
  readonly salt: number
}

/**
 * `ok`: a log that this version reads. `newer`: of a later version, or with features that this one does not know. `damaged`: anything else,
 * perhaps not a log at all.
 */
export type HeaderState =
  | { readonly state: 'ok'; readonly header: LogHeader }
  | { readonly state: 'newer'; readonly what: string }
  | { readonly state: 'damaged' }

export function fileHeader({ createdMs, salt }: Omit<LogHeader, 'version'>): Buffer {
  const header = Buffer.alloc(FILE_HEADER)
  FILE_MAGIC.copy(header)
  header.writeUInt32LE(VERSION, 8)
  header.writeDoubleLE(createdMs, 16)
  header.writeUInt32LE(salt, 28)
  header.writeUInt32LE(crc32(header), 12)
  return header
}

export function readFileHeader(file: File): HeaderState {
  const header = readExactly(file, 0, FILE_HEADER)
  if (header.length < FILE_HEADER || !header.subarray(0, 8).equals(FILE_MAGIC)) return { state: 'damaged' }
  const version = header.readUInt32LE(8)
  const crc = header.readUInt32LE(12)
  const createdMs = header.readDoubleLE(16)
  if (version === 1 && crc === 0 && isZero(header.subarray(24)))
    return { state: 'ok', header: { version, createdMs, salt: 0 } }
  header.writeUInt32LE(0, 12)
  if (crc32(header) !== crc || version === 1) return { state: 'damaged' }
  if (version > VERSION) return { state: 'newer', what: `log format ${version}` }
  const features = header.readUInt32LE(24)
  if (features !== 0) return { state: 'newer', what: `log features 0x${features.toString(16)}` }
  return { state: 'ok', header: { version, createdMs, salt: header.readUInt32LE(28) } }
}

/** Whether the first bytes of a file are those of a log, as far as there are any, or nothing but zeros. */
export function beginsLog(file: File): boolean {
  const header = readExactly(file, 0, FILE_HEADER)
  const magic = header.subarray(0, FILE_MAGIC.length)
  return isZero(header) || magic.equals(FILE_MAGIC.subarray(0, magic.length))
}

/** What to say of a file that a later version wrote. Such a file is never moved, cut, deleted or written to. */
export function newerFormat(path: string, what: string): StorageError {
  return new StorageError(
    'newer_format',
    `${path} has ${what}; this Spoor reads format ${VERSION} and what came before: open it with the version that wrote it`,
  )
}

/** The frames' checksums are checked whenever one is read, also years later. */
const COMPRESSION = { params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 } }

export function compress(bytes: Uint8Array): Buffer {
  return zstdCompressSync(bytes, COMPRESSION)
}

/**
 * Throws when the output is longer than `length`, or the input not zstd. One output buffer of the right size: the
 * default, 16 KB a time, would be gathered and copied afterwards.
 */
export function decompress(bytes: Uint8Array, length: number): Buffer {
  return zstdDecompressSync(bytes, { chunkSize: Math.max(64, length + 1), maxOutputLength: Math.max(1, length) })
}

/** What {@link recordHead} takes. */
export function recordHeadBytes(frames: number): number {
  return RECORD_HEADER + 8 * frames
}

/** Header and frame table of a record of these frames; the frames follow it in the file. */
export function recordHead(
  frames: readonly { readonly rawLength: number; readonly bytes: Uint8Array }[],
  spans: number,
  salt: number,
  arrivedMs: number,
): Buffer {
  const head = Buffer.alloc(recordHeadBytes(frames.length))
  let body = 8 * frames.length
  for (const [i, frame] of frames.entries()) {
    head.writeUInt32LE(frame.rawLength, RECORD_HEADER + 8 * i)
    head.writeUInt32LE(frame.bytes.length, RECORD_HEADER + 8 * i + 4)
    body += frame.bytes.length
  }
  let crc = crc32(head.subarray(RECORD_HEADER))
  for (const frame of frames) crc = crc32(frame.bytes, crc)
  head.writeUInt32LE(RECORD_MAGIC, 0)
  head.writeUInt32LE(crc, 8)
  head.writeUInt32LE(body, 12)
  head.writeUInt32LE(frames.length, 16)
  head.writeUInt32LE(spans, 20)
  head.writeUInt32LE(salt, 28)
  head.writeDoubleLE(arrivedMs, 32)
  head.writeUInt32LE(crc32(head.subarray(8, RECORD_HEADER)), 4)
  return head
}

/** A record's header. */
export interface RecordHead {
  readonly version: 1 | 2
  readonly start: number
  /** Where the record ends; perhaps beyond the end of the file. */
  readonly end: number
  readonly spans: number
  readonly frames: number
  readonly arrivedMs: number
  readonly salt: number
  /** Of the body; in format 1 of header and body. */
  readonly crc: number
  /** Its own checksum holds. Format 1 has none: there the header is only plausible. */
  readonly certain: boolean
  readonly bytes: Buffer
}

/**
 * The header at `start`; undefined when there is none. Throws StorageError `newer_format` for one with features that this version does
 * not know. `salt`: that of the log; undefined where it is not known.
 */
export function readHead(file: File, path: string, start: number, salt: number | undefined): RecordHead | undefined {
  const bytes = readExactly(file, start, RECORD_HEADER)
  return headIn(bytes, path, start, salt)
}

/** {@link readHead} of bytes that are already there. */
export function headIn(bytes: Buffer, path: string, start: number, salt: number | undefined): RecordHead | undefined {
  if (bytes.length < RECORD_HEADER_1) return undefined
  const magic = bytes.readUInt32LE(0)
  if (magic === RECORD_MAGIC_1 && (salt === undefined || salt === 0)) {
    const length = bytes.readUInt32LE(8)
    const frames = bytes.readUInt32LE(12)
    if (frames > MAX_FRAMES || 8 * frames > length || !isZero(bytes.subarray(24, RECORD_HEADER_1))) return undefined
    const end = start + RECORD_HEADER_1 + length
    const spans = bytes.readUInt32LE(16)
    const crc = bytes.readUInt32LE(4)
    const head = bytes.subarray(0, RECORD_HEADER_1)
    return { version: 1, start, end, spans, frames, arrivedMs: 0, salt: 0, crc, certain: false, bytes: head }
  }
  if (magic !== RECORD_MAGIC || bytes.length < RECORD_HEADER) return undefined
  const head = bytes.subarray(0, RECORD_HEADER)
  if (crc32(head.subarray(8)) !== head.readUInt32LE(4)) return undefined
  const own = head.readUInt32LE(28)
  if (salt !== undefined && own !== salt) return undefined
  const features = head.readUInt32LE(24)
  if (features !== 0) throw newerFormat(path, `a record with features 0x${features.toString(16)} at byte ${start}`)
  return {
    version: 2,
    start,
    end: start + RECORD_HEADER + head.readUInt32LE(12),
    spans: head.readUInt32LE(20),
    frames: head.readUInt32LE(16),
    arrivedMs: head.readDoubleLE(32),
    salt: own,
    crc: head.readUInt32LE(8),
    certain: true,
    bytes: head,
  }
}

/** The record of a header that lies wholly in the file; undefined when its body is not what was written. */
export function readBody(file: File, head: RecordHead): LogRecord | undefined {
  const from = head.start + head.bytes.length
  const length = head.end - from
  const count = head.frames
  if (count > MAX_FRAMES || 8 * count > length) return undefined
  const body = readExactly(file, from, length)
  if (body.length < length) return undefined
  if (crc32(body, head.version === 1 ? crc32(head.bytes.subarray(8)) : 0) !== head.crc) return undefined
  const frames: LogFrame[] = []
  let offset = from + 8 * count
  for (let i = 0; i < count; i++) {
    const frame = { rawLength: body.readUInt32LE(8 * i), offset, length: body.readUInt32LE(8 * i + 4) }
    frames.push(frame)
    offset += frame.length
  }
  freeMemory(body)
  if (offset !== head.end) return undefined
  return { start: head.start, end: head.end, spans: head.spans, arrivedMs: head.arrivedMs, frames }
}

/** Whether the frame table of a format 1 record is there and agrees with the length that its header says. */
export function tableAgrees(file: File, head: RecordHead, size: number): boolean {
  const from = head.start + head.bytes.length
  if (from + 8 * head.frames > size) return true
  const table = readExactly(file, from, 8 * head.frames)
  let end = from + table.length
  for (let at = 4; at < table.length; at += 8) end += table.readUInt32LE(at)
  return end === head.end
}

/** The record at `start`, checked; undefined when it is torn or damaged. For whoever needs no more than whole records. */
export function readRecord(file: File, start: number, size: number, path = 'the log'): LogRecord | undefined {
  const head = readHead(file, path, start, undefined)
  return head && head.end <= size ? readBody(file, head) : undefined
}

/** The first place from `from` on where the magic number of a record is; -1: none. */
export function findMagic(bytes: Buffer, from: number, version: 1 | 2): number {
  const magic = Buffer.alloc(4)
  magic.writeUInt32LE(version === 1 ? RECORD_MAGIC_1 : RECORD_MAGIC)
  return bytes.indexOf(magic, from)
}

/** Whether bytes at the end of a log that are fewer than a header can be the first ones of one. */
export function beginsHead(bytes: Buffer): boolean {
  const magic = Buffer.alloc(4)
  return [RECORD_MAGIC, RECORD_MAGIC_1].some((number) => {
    magic.writeUInt32LE(number)
    const length = Math.min(4, bytes.length)
    return bytes.subarray(0, length).equals(magic.subarray(0, length))
  })
}

/** A frame's requests. Throws StorageError `corrupt` when its bytes do not pass their checksum. */
export function readFrame(file: File, path: string, frame: LogFrame): Buffer {
  const bytes = readExactly(file, frame.offset, frame.length)
  try {
    const raw = decompress(bytes, frame.rawLength)
    freeMemory(bytes)
    if (raw.length === frame.rawLength) return raw
  } catch (cause) {
    throw new StorageError(
      'corrupt',
      `${path}: the frame at byte ${frame.offset} is damaged; its spans cannot be read`,
      { cause },
    )
  }
  throw new StorageError('corrupt', `${path}: the frame at byte ${frame.offset} is shorter than its record says`)
}

/** `length` bytes at `offset`; fewer when the file ends before. */
export function readExactly(file: File, offset: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(length)
  let got = 0
  while (got < length) {
    const read = file.read(bytes, got, length - got, offset + got)
    if (read === 0) return bytes.subarray(0, got)
    got += read
  }
  return bytes
}

/** Writes all buffers at `offset` and returns the byte after them. */
export function writeFully(file: File, buffers: readonly Uint8Array[], offset: number): number {
  let at = offset
  for (const buffer of buffers) {
    let done = 0
    while (done < buffer.length) done += file.write(buffer, done, buffer.length - done, at + done)
    at += buffer.length
  }
  return at
}

export function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0)
}
