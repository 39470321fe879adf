import type { ContentCoding } from './decompress.ts'
import { lz4Length } from './lz4.ts'
import { snappyLength } from './snappy.ts'

/** Deflate cannot do better: RFC 1951 takes two bits for 258 bytes. */
const MOST_DEFLATE_RATIO = 1032
/** RFC 1952, 2.3: the fixed part of a member's header, and its trailer of CRC-32 and length. */
export const GZIP_HEADER_BYTES = 10
export const GZIP_TRAILER_BYTES = 8
/** RFC 8878, 3.1.1: a frame's magic number, and its header with the longest fields. */
const ZSTD_MAGIC = 0xfd2fb528
const ZSTD_HEADER_BYTES = 18
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const

/**
 * How long the output is by the input's own words; undefined where it does not say, or it cannot be true. It may still be
 * wrong, or be that of the last gzip member, or the first zstd frame, of several.
 */
export function announcedLength(coding: ContentCoding, input: Uint8Array): number | undefined {
  if (coding === 'gzip') return gzipLength(input)
  if (coding === 'snappy') return snappyLength(input)
  if (coding === 'lz4') return lz4Length(input)
  return coding === 'zstd' ? zstdLength(input) : undefined
}

/**
 * A gzip stream with the ten-byte header that nearly all senders write: no name, comment or extra field in it. RFC
 * 1952, 2.3.
 */
export function isPlainGzip(input: Uint8Array): boolean {
  return (
    input.length >= GZIP_HEADER_BYTES + GZIP_TRAILER_BYTES &&
    input[0] === 0x1f &&
    input[1] === 0x8b &&
    input[2] === 8 &&
    input[3] === 0
  )
}

/** The last four bytes. */
function gzipLength(input: Uint8Array): number | undefined {
  if (!isPlainGzip(input)) return undefined
  const length = viewOf(input).getUint32(input.length - 4, true)
  return length <= input.length * MOST_DEFLATE_RATIO ? length : undefined
}

/** The frame content size. RFC 8878, 3.1.1.1. */
function zstdLength(input: Uint8Array): number | undefined {
  const view = viewOf(input)
  if (input.length < ZSTD_HEADER_BYTES || view.getUint32(0, true) !== ZSTD_MAGIC) return undefined
  const descriptor = input[4]!
  const isSingleSegment = (descriptor & 0x20) !== 0
  const at = 5 + (isSingleSegment ? 0 : 1) + DICTIONARY_ID_BYTES[(descriptor & 3) as 0 | 1 | 2 | 3]
  switch (descriptor >> 6) {
    case 0:
      return isSingleSegment ? input[at]! : undefined
    case 1:
      return view.getUint16(at, true) + 256
    case 2:
      return view.getUint32(at, true)
    default:
      return Number(view.getBigUint64(at, true))
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength)
}
