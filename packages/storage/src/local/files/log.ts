import { constants, crc32, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { StorageError } from '../../contract.ts'
import type { File } from './file-system.ts'

/*
 * The block log of a segment, the truth of the store:
 *
 *   file    := "SPOORLOG" u32 version, u32 0, f64 created (ms since 1970), 8 bytes 0      32 bytes
 *              record*
 *   record  := u32 magic, u32 crc32 (of all that follows), u32 body length, u32 frames,
 *              u32 spans, u32 raw length, u32 flags = 0, u32 0                            32 bytes
 *              (u32 raw length, u32 length) a frame
 *              zstd frames, each of whole serialized requests
 *
 * All little-endian. A record is one group commit: it is there wholly, or it is torn and was never acknowledged.
 */

export const FILE_HEADER = 32
export const RECORD_HEADER = 32
const VERSION = 1
const FILE_MAGIC = Buffer.from('SPOORLOG')
const RECORD_MAGIC = 0x31525053
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
  readonly frames: readonly LogFrame[]
}

export function fileHeader(createdMs: number): Buffer {
  const header = Buffer.alloc(FILE_HEADER)
  FILE_MAGIC.copy(header)
  header.writeUInt32LE(VERSION, 8)
  header.writeDoubleLE(createdMs, 16)
  return header
}

/** When the segment was begun; undefined for a file whose header was torn. */
export function readFileHeader(file: File, path: string): number | undefined {
  const header = readExactly(file, 0, FILE_HEADER)
  if (header.length < FILE_HEADER || !header.subarray(0, 8).equals(FILE_MAGIC)) return undefined
  const version = header.readUInt32LE(8)
  if (version !== VERSION) {
    throw new StorageError(
      'corrupt',
      `${path}: log format version ${version}, this Spoor reads ${VERSION}; open it with the version that wrote it`,
    )
  }
  return header.readDoubleLE(16)
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

/** Header and frame table of a record of these frames; the frames follow it in the file. */
export function recordHead(
  frames: readonly { readonly rawLength: number; readonly bytes: Uint8Array }[],
  spans: number,
): Buffer {
  const head = Buffer.alloc(RECORD_HEADER + 8 * frames.length)
  let body = 8 * frames.length
  let raw = 0
  for (const [i, frame] of frames.entries()) {
    head.writeUInt32LE(frame.rawLength, RECORD_HEADER + 8 * i)
    head.writeUInt32LE(frame.bytes.length, RECORD_HEADER + 8 * i + 4)
    body += frame.bytes.length
    raw += frame.rawLength
  }
  head.writeUInt32LE(RECORD_MAGIC, 0)
  head.writeUInt32LE(body, 8)
  head.writeUInt32LE(frames.length, 12)
  head.writeUInt32LE(spans, 16)
  head.writeUInt32LE(raw, 20)
  let crc = crc32(head.subarray(8))
  for (const frame of frames) crc = crc32(frame.bytes, crc)
  head.writeUInt32LE(crc, 4)
  return head
}

/** The record at `start`, checked; undefined when it is torn or damaged. */
export function readRecord(file: File, start: number, size: number): LogRecord | undefined {
  if (start + RECORD_HEADER > size) return undefined
  const head = readExactly(file, start, RECORD_HEADER)
  if (head.length < RECORD_HEADER) return undefined
  const length = head.readUInt32LE(8)
  const count = head.readUInt32LE(12)
  const end = start + RECORD_HEADER + length
  if (head.readUInt32LE(0) !== RECORD_MAGIC || count > MAX_FRAMES || 8 * count > length || end > size) return undefined
  const body = readExactly(file, start + RECORD_HEADER, length)
  if (body.length < length) return undefined
  if (crc32(body, crc32(head.subarray(8))) !== head.readUInt32LE(4)) return undefined
  const frames: LogFrame[] = []
  let offset = start + RECORD_HEADER + 8 * count
  for (let i = 0; i < count; i++) {
    const frame = { rawLength: body.readUInt32LE(8 * i), offset, length: body.readUInt32LE(8 * i + 4) }
    frames.push(frame)
    offset += frame.length
  }
  return { start, end, spans: head.readUInt32LE(16), frames }
}

/** The first whole record at or after `from`: what there is to be read behind a damaged one. */
export function findRecord(file: File, from: number, size: number): LogRecord | undefined {
  const window = 1 << 20
  const magic = Buffer.alloc(4)
  magic.writeUInt32LE(RECORD_MAGIC)
  for (let at = from; at < size; at += window) {
    const bytes = readExactly(file, at, Math.min(window + 3, size - at))
    for (let i = bytes.indexOf(magic); i >= 0; i = bytes.indexOf(magic, i + 1)) {
      const record = readRecord(file, at + i, size)
      if (record) return record
    }
  }
  return undefined
}

/** A frame's requests. Throws StorageError `corrupt` when its bytes do not pass their checksum. */
export function readFrame(file: File, path: string, frame: LogFrame): Buffer {
  const bytes = readExactly(file, frame.offset, frame.length)
  try {
    const raw = decompress(bytes, frame.rawLength)
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
