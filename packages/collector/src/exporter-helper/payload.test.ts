import zlib from 'node:zlib'
import { createBatch, freeMemory, joinBytes, ownMemory, type Chunk } from '@spoor/otlp'
import { describe, expect, test } from 'vitest'
import { CollectorError } from '../component/index.ts'
import { announcedLength } from '../otlp-protocol/announced-length.ts'
import { tracesRequest } from '../testkit/index.ts'
import { compressionParams, type Compression } from './compression.ts'
import { encodePayload, type Payload } from './payload.ts'

const chunk = (seed: number, spans: number, compressed: boolean): Chunk => {
  const bytes = tracesRequest({ spans, seed })
  return compressed
    ? { bytes, items: spans, compressed: { coding: 'gzip', bytes: zlib.gzipSync(bytes) } }
    : { bytes, items: spans }
}
const chunks = [chunk(1, 10, true), chunk(2, 20, false), chunk(3, 400, true)]
const all = Buffer.from(joinBytes(chunks.map(({ bytes }) => bytes)))
const params = compressionParams.parse({})

const bodyOf = (payload: Payload): Buffer => {
  expect(payload.length).toBe(payload.parts.reduce((sum, part) => sum + part.length, 0))
  return Buffer.concat(payload.parts)
}

describe('without compression', () => {
  test('the chunks are handed on one by one, not copied', async () => {
    const payload = await encodePayload(createBatch('traces', chunks), 'none', params)
    expect(payload.coding).toBeUndefined()
    expect(payload.parts).toEqual(chunks.map(({ bytes }) => bytes))
    expect(payload.parts[0]).toBe(chunks[0]!.bytes)
  })

  test('an empty batch', async () => {
    expect(bodyOf(await encodePayload(createBatch('traces', []), 'none', params)).length).toBe(0)
  })
})

test.each(['none', 'gzip', 'zstd', 'snappy', 'x-snappy-framed', 'zlib', 'deflate', 'lz4'] as const)(
  'a batch whose memory was freed is an error, not an empty message: %s',
  async (compression) => {
    const chunk: Chunk = { bytes: tracesRequest({ spans: 4 }), items: 4 }
    const batch = createBatch('traces', [chunk])
    ownMemory(chunk)
    freeMemory(batch)
    expect(() => encodePayload(batch, compression, params)).toThrow(CollectorError)
  },
)

describe('gzip', () => {
  test('one chunk leaves as it was compressed by its sender', async () => {
    const payload = await encodePayload(createBatch('traces', [chunks[0]!]), 'gzip', params)
    expect(payload.coding).toBe('gzip')
    expect(payload.parts[0]).toBe(chunks[0]!.compressed!.bytes)
  })

  test('one chunk that came uncompressed', async () => {
    const payload = await encodePayload(createBatch('traces', [chunks[1]!]), 'gzip', params)
    expect(zlib.gunzipSync(bodyOf(payload)).equals(chunks[1]!.bytes)).toBe(true)
  })

  test('several chunks are one member, which every peer reads', async () => {
    const body = bodyOf(await encodePayload(createBatch('traces', chunks), 'gzip', params))
    // Raw inflate stops at the end of the first member.
    expect(zlib.inflateRawSync(body.subarray(10)).equals(all)).toBe(true)
  })

  test('what the senders compressed is kept, except what is small', async () => {
    const large = [chunk(4, 400, true), chunk(5, 10, true), chunk(6, 10, false), chunk(7, 400, true)]
    const payload = await encodePayload(createBatch('traces', large), 'gzip', params)
    const body = bodyOf(payload)
    expect(zlib.inflateRawSync(body.subarray(10)).equals(joinBytes(large.map(({ bytes }) => bytes)))).toBe(true)
    // The beginning of a stream, behind its first bits, is there as it came.
    const kept = ({ compressed }: Chunk): boolean =>
      compressed !== undefined && body.includes(Buffer.from(compressed.bytes.subarray(20, 600)))
    expect(large.map(kept)).toEqual([true, false, false, true])
  })
})

test('a form of gzip that cannot be joined is compressed again', async () => {
  const [first, second] = [chunk(8, 400, true), chunk(9, 400, true)]
  const named = Buffer.concat([
    first.compressed!.bytes.subarray(0, 10),
    Buffer.from('name\0'),
    first.compressed!.bytes.subarray(10),
  ])
  named[3] = 8
  const odd: Chunk = { ...first, compressed: { coding: 'gzip', bytes: named } }
  const body = bodyOf(await encodePayload(createBatch('traces', [odd, second]), 'gzip', params))
  expect(zlib.inflateRawSync(body.subarray(10)).equals(joinBytes([first.bytes, second.bytes]))).toBe(true)
})

test.each([
  ['zstd', zlib.zstdDecompressSync],
  ['zlib', zlib.inflateSync],
  ['deflate', zlib.inflateSync],
] as const)('%s', async (compression, decompress) => {
  const payload = await encodePayload(createBatch('traces', chunks), compression, params)
  expect(payload.coding).toBe(compression)
  expect(decompress(bodyOf(payload)).equals(all)).toBe(true)
})

describe('levels', () => {
  const large = createBatch('traces', [chunk(10, 400, false)])
  const small = createBatch('traces', [chunk(11, 20, false)])
  const sizes = async (batch: typeof large, compression: Compression, levels: number[]): Promise<number[]> =>
    Promise.all(levels.map(async (level) => (await encodePayload(batch, compression, { level })).length))

  test.each(['gzip', 'zlib', 'deflate'] as const)('%s: 0 is 1, -1 is 6, -2 is Huffman only', async (compression) => {
    for (const batch of [large, small]) {
      const [unset, one, six, usual, huffman] = await sizes(batch, compression, [0, 1, 6, -1, -2])
      expect(unset).toBe(one)
      expect(usual).toBe(six)
      expect(six).toBeLessThan(one!)
      expect(huffman).toBeGreaterThan(one!)
    }
  })

  test('zstd: the nearest that there is', async () => {
    for (const batch of [large, small]) {
      const [unset, least, one, most, beyond] = await sizes(batch, 'zstd', [0, -7, 1, 22, 100])
      expect([unset, least, beyond]).toEqual([one, one, most])
      expect(most).toBeLessThan(one!)
    }
  })

  // A reader has to keep as much as the window says; the collector's takes no more than 8 MiB.
  test('zstd says how long it is, so that no reader needs the window of a high level', async () => {
    for (const batch of [large, small]) {
      const frame = bodyOf(await encodePayload(batch, 'zstd', { level: 22 }))
      expect(announcedLength('zstd', frame)).toBe(batch.byteLength)
    }
  })
})
