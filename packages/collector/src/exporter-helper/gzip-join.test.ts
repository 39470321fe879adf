import zlib from 'node:zlib'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { tracesRequest } from '../testkit/index.ts'
import { findDeflateEnd } from './deflate-end.ts'
import { writeDeflate } from './deflate-writer.test.helper.ts'
import { joinGzip } from './gzip-join.ts'

const { constants } = zlib

/** Text that compresses: words of a small alphabet, and stretches of noise. */
const texts = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 20 }), fc.nat(400)).map(([word, times]) => {
        const repeated = new Uint8Array(word.length * times)
        for (let i = 0; i < times; i++) repeated.set(word, i * word.length)
        return repeated
      }),
    ),
    { maxLength: 8 },
  )
  .map((parts) => Buffer.concat(parts))

/** All kinds of blocks: stored, fixed and dynamic codes, many small blocks, empty ones. */
const options = fc.record({
  level: fc.integer({ min: 0, max: 9 }),
  memLevel: fc.integer({ min: 1, max: 9 }),
  strategy: fc.constantFrom(
    constants.Z_DEFAULT_STRATEGY,
    constants.Z_FILTERED,
    constants.Z_HUFFMAN_ONLY,
    constants.Z_RLE,
    constants.Z_FIXED,
  ),
})

/** The plain text of one member; throws where there is more than one, or anything else behind it. */
function onlyMember(gzip: Uint8Array): Buffer {
  const result: unknown = zlib.inflateRawSync(gzip.subarray(10), { info: true })
  const { buffer, engine } = result as { buffer: Buffer; engine: { bytesWritten: number } }
  expect(10 + engine.bytesWritten + 8).toBe(gzip.length)
  expect(zlib.gunzipSync(gzip).equals(buffer)).toBe(true)
  return buffer
}

describe('joinGzip', () => {
  test('any members become one, with a checksum that holds', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(texts, options), { maxLength: 5 }), (members) => {
        const joined = joinGzip(members.map(([text, option]) => zlib.gzipSync(text, option)))
        expect(onlyMember(joined).equals(Buffer.concat(members.map(([text]) => text)))).toBe(true)
      }),
      { numRuns: 100 },
    )
  })

  test('requests as senders compress them', () => {
    const requests = [1, 2, 3].map((seed) => tracesRequest({ spans: 700, seed }))
    const joined = joinGzip(requests.map((request) => zlib.gzipSync(request)))
    expect(onlyMember(joined).equals(Buffer.concat(requests))).toBe(true)
  })

  test('what it is given stays as it was', () => {
    const member = zlib.gzipSync('left alone')
    const copy = Buffer.from(member)
    joinGzip([member, member])
    expect(member.equals(copy)).toBe(true)
  })

  test('refuses what is no plain member, or has something behind it', () => {
    const member = zlib.gzipSync('text')
    const named = Buffer.from(member)
    named[3] = 8
    expect(() => joinGzip([named])).toThrow(RangeError)
    expect(() => joinGzip([Buffer.concat([member, member])])).toThrow(RangeError)
    expect(() => joinGzip([member.subarray(0, 12)])).toThrow(RangeError)
  })
})

function withTrailer(stream: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(stream.length + 8).fill(0xff)
  bytes.set(stream)
  return bytes
}

describe('findDeflateEnd', () => {
  test('codes of all lengths, one after the other in all orders', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 3 }), (seed, blocks) => {
        let state = seed
        const below = (limit: number): number => {
          state = (Math.imul(state, 1664525) + 1013904223) >>> 0
          return Math.floor((state / 2 ** 32) * limit)
        }
        const { stream, ...end } = writeDeflate(below, blocks, 1000)
        const { engine } = zlib.inflateRawSync(stream, { info: true }) as unknown as {
          engine: { bytesWritten: number }
        }
        expect(engine.bytesWritten).toBe(stream.length)
        expect(findDeflateEnd(withTrailer(stream), stream.length)).toEqual(end)
      }),
      { numRuns: 40 },
    )
  })

  test('any bytes give an end within them, or a RangeError', () => {
    const valid = fc
      .tuple(texts, options, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }))
      .map(([text, option, edits]) => {
        const stream = zlib.deflateRawSync(text, option)
        for (const [at, value] of edits) if (stream.length > 0) stream[at % stream.length] = value
        return new Uint8Array(stream)
      })
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), valid), (stream) => {
        try {
          const { finalBit, endBit } = findDeflateEnd(withTrailer(stream), stream.length)
          expect(finalBit).toBeLessThan(endBit)
          expect(endBit).toBeLessThanOrEqual(stream.length * 8)
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError)
        }
      }),
      { numRuns: 300 },
    )
  })
})
