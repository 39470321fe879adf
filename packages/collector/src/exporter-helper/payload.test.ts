import zlib from 'node:zlib'
import { createBatch, joinBytes, type Chunk } from '@spoor/otlp'
import { describe, expect, test } from 'vitest'
import { tracesRequest } from '../testkit/index.ts'
import { compressionParams, encodePayload, type Payload } from './payload.ts'

const chunk = (seed: number, spans: number, compressed: boolean): Chunk => {
  const bytes = tracesRequest({ spans, seed })
  return compressed
    ? { bytes, items: spans, compressed: { coding: 'gzip', bytes: zlib.gzipSync(bytes) } }
    : { bytes, items: spans }
}
const chunks = [chunk(1, 10, true), chunk(2, 20, false), chunk(3, 400, true)]
const all = Buffer.from(joinBytes(chunks.map(({ bytes }) => bytes)))
const recompress = compressionParams.parse({})
const members = compressionParams.parse({ join: 'members' })

const bodyOf = (payload: Payload): Buffer => {
  expect(payload.length).toBe(payload.parts.reduce((sum, part) => sum + part.length, 0))
  return Buffer.concat(payload.parts)
}

describe('without compression', () => {
  test('the chunks are handed on one by one, not copied', async () => {
    const payload = await encodePayload(createBatch('traces', chunks), 'none', recompress)
    expect(payload.coding).toBeUndefined()
    expect(payload.parts).toEqual(chunks.map(({ bytes }) => bytes))
    expect(payload.parts[0]).toBe(chunks[0]!.bytes)
  })

  test('an empty batch', async () => {
    expect(bodyOf(await encodePayload(createBatch('traces', []), 'none', recompress)).length).toBe(0)
  })
})

describe('gzip', () => {
  test('one chunk leaves as it was compressed by its sender', async () => {
    const payload = await encodePayload(createBatch('traces', [chunks[0]!]), 'gzip', recompress)
    expect(payload.coding).toBe('gzip')
    expect(payload.parts[0]).toBe(chunks[0]!.compressed!.bytes)
  })

  test('one chunk that came uncompressed', async () => {
    const payload = await encodePayload(createBatch('traces', [chunks[1]!]), 'gzip', recompress)
    expect(zlib.gunzipSync(bodyOf(payload)).equals(chunks[1]!.bytes)).toBe(true)
  })

  test('several chunks are one member, which every peer reads', async () => {
    const body = bodyOf(await encodePayload(createBatch('traces', chunks), 'gzip', recompress))
    // Raw inflate stops at the end of the first member.
    expect(zlib.inflateRawSync(body.subarray(10)).equals(all)).toBe(true)
  })

  test('join: members keeps what the senders compressed', async () => {
    const payload = await encodePayload(createBatch('traces', chunks), 'gzip', members)
    expect(payload.parts[0]).toBe(chunks[0]!.compressed!.bytes)
    expect(payload.parts[2]).toBe(chunks[2]!.compressed!.bytes)
    expect(zlib.gunzipSync(bodyOf(payload)).equals(all)).toBe(true)
  })
})

test('zstd', async () => {
  const payload = await encodePayload(createBatch('traces', chunks), 'zstd', recompress)
  expect(payload.coding).toBe('zstd')
  expect(zlib.zstdDecompressSync(bodyOf(payload)).equals(all)).toBe(true)
})
