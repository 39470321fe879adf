import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'

/** What is compressed is small beside the columns, and written once: a level at which texts get smaller still and the CPU is not felt. */
const OPTIONS = { params: { [constants.ZSTD_c_compressionLevel]: 6 } }

export function pack(bytes: Uint8Array): Uint8Array {
  return zstdCompressSync(bytes, OPTIONS)
}

/** Throws when the output is not of this length, or the input not zstd. */
export function unpack(bytes: Uint8Array, length: number): Uint8Array {
  const raw = zstdDecompressSync(bytes, { chunkSize: Math.max(64, length + 1), maxOutputLength: Math.max(1, length) })
  if (raw.length !== length) throw new RangeError(`${raw.length} bytes where ${length} should be`)
  return raw
}
