import zlib from 'node:zlib'
import { expect, test } from 'vitest'
import { announcedLength } from './announced-length.ts'

const { ZSTD_c_contentSizeFlag: SIZE, ZSTD_c_checksumFlag: CHECKSUM } = zlib.constants

test.each([0, 1, 255, 256, 300, 65_791, 65_792, 100_000, 20_000_000])('of %i bytes', (length) => {
  const bytes = Buffer.alloc(length, 'span ')
  expect(announcedLength('gzip', zlib.gzipSync(bytes))).toBe(length)
  expect(announcedLength('deflate', zlib.deflateSync(bytes))).toBeUndefined()
  const zstd = zlib.zstdCompressSync(bytes, { params: { [CHECKSUM]: 1 } })
  // Of next to nothing there are not enough bytes to read it from.
  expect(announcedLength('zstd', zstd)).toBe(zstd.length < 18 ? undefined : length)
  expect(announcedLength('zstd', zlib.zstdCompressSync(bytes, { params: { [SIZE]: 0 } }))).toBeUndefined()
})

test('of what is something else, or cannot be true', () => {
  const gzip = zlib.gzipSync(Buffer.alloc(1000))
  gzip.writeUInt32LE(0xffff_ffff, gzip.length - 4)
  expect(announcedLength('gzip', gzip)).toBeUndefined()
  for (const coding of ['gzip', 'zstd'] as const) {
    for (const bytes of ['', 'x', 'this is not compressed at all']) {
      expect(announcedLength(coding, Buffer.from(bytes))).toBeUndefined()
    }
  }
})
