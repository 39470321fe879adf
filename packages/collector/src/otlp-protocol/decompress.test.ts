import zlib from 'node:zlib'
import { describe, expect, test, vi } from 'vitest'
import { CollectorError, createBudget } from '../component/index.ts'
import { garbageCollector, tuneGarbageCollection } from '../process.ts'
import { decompress, type ContentCoding } from './decompress.ts'
import { packLz4 } from './lz4.ts'
import { packSnappy, packSnappyStream } from './snappy.test.helper.ts'

const LIMIT = 4 * 1024 * 1024
const small = Buffer.from('span '.repeat(1000))
/** More than 256 kB when compressed, so that the thread pool does it. */
const large = Buffer.from(Array.from({ length: 1 << 20 }, (_, index) => (Math.imul(index, 2654435761) >>> 13) & 0xff))
const compressors = {
  gzip: zlib.gzipSync,
  deflate: zlib.deflateSync,
  zstd: zlib.zstdCompressSync,
  snappy: packSnappy,
  lz4: (bytes: Buffer): Buffer => {
    const work = packLz4(bytes)
    for (;;) {
      const { done, value } = work.next()
      if (done) return Buffer.from(value)
    }
  },
} satisfies Record<ContentCoding, (bytes: Buffer) => Buffer>

async function run(
  coding: ContentCoding,
  bytes: Uint8Array,
  limit = LIMIT,
): Promise<{ bytes: Uint8Array; singleMember: boolean }> {
  const budget = createBudget()
  const lease = budget.take(bytes.length, 'body')!
  const input = Buffer.from(bytes)
  const result = await decompress(coding, input, { maxBytes: limit, setting: 'max_size', budget, lease })
  expect(lease.bytes).toBe(result.bytes.length + (result.singleMember ? bytes.length : 0))
  return result
}

describe.each(['gzip', 'deflate', 'zstd', 'snappy', 'lz4'] as const)('%s', (coding) => {
  test.each([
    ['small', small],
    ['large', large],
    ['empty', Buffer.alloc(0)],
  ])('%s', async (_, body) => {
    const compressed = compressors[coding](body)
    const result = await run(coding, compressed)
    expect(Buffer.compare(Buffer.from(result.bytes), body)).toBe(0)
    expect(result.singleMember).toBe(coding === 'gzip')
  })

  test('exactly at the limit, and one byte over it', async () => {
    const compressed = compressors[coding](small)
    expect((await run(coding, compressed, small.length)).bytes.length).toBe(small.length)
    await expect(run(coding, compressed, small.length - 1)).rejects.toMatchObject({
      code: 'too_large',
      retryable: false,
    })
  })

  test('a bomb is stopped at the limit', async () => {
    const bomb = compressors[coding](Buffer.alloc(100 * 1024 * 1024))
    const before = process.memoryUsage().rss
    await expect(run(coding, bomb)).rejects.toMatchObject({ code: 'too_large' })
    expect(process.memoryUsage().rss - before).toBeLessThan(90 * 1024 * 1024)
  })

  test.each([
    ['truncated', (bytes: Buffer) => bytes.subarray(0, bytes.length >> 1)],
    ['flipped', (bytes: Buffer) => Buffer.from(bytes.map((byte, index) => (index > 20 ? byte ^ 0x55 : byte)))],
    ['something else', () => Buffer.from('this is not compressed')],
    ['nothing', () => Buffer.alloc(0)],
  ])('%s is refused', async (_, damage) => {
    // A block of snappy has no checksum, a stream has.
    const compress = coding === 'snappy' ? packSnappyStream : compressors[coding]
    for (const body of [small, large]) {
      const error: unknown = await run(coding, damage(compress(body))).catch((thrown: unknown) => thrown)
      // Decompressing nothing gives nothing with some codings, which is no message either way.
      if (error instanceof CollectorError) expect(error.message).toMatch(new RegExp(`not valid ${coding}`))
      else expect(error).toMatchObject({ bytes: { length: 0 } })
    }
  })
})

describe('gzip that must not be passed on', () => {
  const [a, b] = [zlib.gzipSync('first '), zlib.gzipSync('second')]
  test.each([
    ['two members', Buffer.concat([a, b]), 'first second'],
    ['an empty member before', Buffer.concat([zlib.gzipSync(''), b]), 'second'],
    ['an empty member behind', Buffer.concat([a, zlib.gzipSync('')]), 'first '],
    [
      'a name in its header',
      Buffer.concat([a.subarray(0, 3), Buffer.from([8]), a.subarray(4, 10), Buffer.from('x\0'), a.subarray(10)]),
      'first ',
    ],
  ])('%s', async (_, bytes, text) => {
    const result = await run('gzip', bytes)
    expect(Buffer.from(result.bytes).toString()).toBe(text)
    expect(result.singleMember).toBe(false)
  })

  test('bytes behind it that are no member', async () => {
    await expect(run('gzip', Buffer.concat([a, Buffer.from('junk')]))).rejects.toMatchObject({ code: 'invalid_data' })
  })

  test('a wrong checksum or length is found', async () => {
    for (const at of [-1, -8]) {
      const bytes = Buffer.from(zlib.gzipSync(small))
      bytes[bytes.length + at]! ^= 1
      await expect(run('gzip', bytes)).rejects.toMatchObject({ code: 'invalid_data' })
    }
  })
})

describe('the output is in memory of its own', () => {
  test.each([1, 100, 5_000])('%i bytes', async (length) => {
    const { bytes } = await run('gzip', zlib.gzipSync(Buffer.alloc(length, 'x')))
    // Node's pool, from which small buffers are cut, is still whole.
    expect(Buffer.from('pooled').buffer.byteLength).toBe(Buffer.poolSize)
    expect(bytes.buffer).not.toBe(Buffer.from('pooled').buffer)
  })

  test('a minor collection frees it', async () => {
    tuneGarbageCollection()
    const collect = garbageCollector()!
    const body = Buffer.alloc(256 * 1024, 'x')
    const compressed = zlib.gzipSync(body)
    const outside = (): number => process.memoryUsage().arrayBuffers
    // What other tests have left goes a little after its collection.
    await vi.waitFor(() => {
      collect('major')
      expect(outside()).toBeLessThan(256 * body.length)
    })
    const before = outside()
    for (let i = 0; i < 40; i++) await run('gzip', compressed)
    expect(outside()).toBeGreaterThan(before + 20 * body.length)
    collect('minor')
    await vi.waitFor(() => expect(outside()).toBeLessThan(before + 4 * body.length))
  })
})
