import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { packSnappy, packSnappyStream } from './snappy.test.helper.ts'
import { snappyLength, unpackSnappy } from './snappy.ts'

/** What Google's library makes of {@link BODY}, by way of python-snappy. */
const BLOCK =
  'mBCYc2VydmljZS5uYW1lPWNoZWNrb3V0O2h0dHAucm91dGU9L2NhcnQ7/icA/icA/icA/icA/icA/icA/icA/icA/icA/icA/icA/icA/icA/icA/icA/icA/icA/icA/icA/icA/icA/icA/icAwicA9AUBAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0BBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5fYGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e3x9fn+AgYKDhIWGh4iJiouMjY6PkJGSk5SVlpeYmZqbnJ2en6ChoqOkpaanqKmqq6ytrq+wsbKztLW2t7i5uru8vb6/wMHCw8TFxsfIycrLzM3Oz9DR0tPU1dbX2Nna29zd3t/g4eLj5OXm5+jp6uvs7e7v8PHy8/T19vf4+fr7/P3+/wABAgMEBf4AAf4AAf4AAeYAAQ=='
const STREAM =
  '/wYAAHNOYVBwWQCLAQCieJC1mBCYc2VydmljZS5uYW1lPWNoZWNrb3V0O2h0dHAucm91dGU9L2NhcnQ7/icA/icA/icA/icA/icA/icA/icA/icA/icA/icA/icA/icA/icA/icA/icA/icA/icA/icA/icA/icA/icA/icA/icAwicA9AUBAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0BBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5fYGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e3x9fn+AgYKDhIWGh4iJiouMjY6PkJGSk5SVlpeYmZqbnJ2en6ChoqOkpaanqKmqq6ytrq+wsbKztLW2t7i5uru8vb6/wMHCw8TFxsfIycrLzM3Oz9DR0tPU1dbX2Nna29zd3t/g4eLj5OXm5+jp6uvs7e7v8PHy8/T19vf4+fr7/P3+/wABAgMEBf4AAf4AAf4AAeYAAQ=='
const BODY = Buffer.concat([
  Buffer.from('service.name=checkout;http.route=/cart;'.repeat(40)),
  Buffer.from(Array.from({ length: 512 }, (_, index) => index & 0xff)),
])

function unpack(input: Uint8Array): { bytes: Buffer; turns: number } {
  const unpacking = unpackSnappy(input, snappyLength(input) ?? 0)
  for (let turns = 1; ; turns++) {
    const { done, value } = unpacking.next()
    if (done) return { bytes: Buffer.from(value), turns }
  }
}

test.each([
  ['a block', BLOCK],
  ['a stream', STREAM],
])('%s of another make', (_, text) => {
  const input = Buffer.from(text, 'base64')
  expect(snappyLength(input)).toBe(BODY.length)
  expect(unpack(input).bytes.equals(BODY)).toBe(true)
})

test('any bytes come out as they went in, of a block and of a stream', () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.tuple(fc.nat(255), fc.nat(70_000)).map(([byte, length]) => new Uint8Array(length).fill(byte)),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 4 }), (pieces) => {
      const body = Buffer.concat(pieces)
      expect(unpack(packSnappy(body)).bytes.equals(body)).toBe(true)
      expect(unpack(packSnappyStream(body)).bytes.equals(body)).toBe(true)
    }),
    { numRuns: 50 },
  )
})

test('whatever bytes come: an output of the length that they say, or an Error', () => {
  const damaged = fc
    .tuple(fc.constantFrom(BLOCK, STREAM), fc.nat(400), fc.nat(255), fc.nat(600))
    .map(([text, at, byte, end]) => {
      const bytes = Buffer.from(text, 'base64').subarray(0, Math.max(1, 600 - end))
      bytes[at % bytes.length] = byte
      return bytes
    })
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), damaged), (input) => {
      const length = snappyLength(input)
      if (length === undefined || length > 1 << 20) return
      try {
        expect(unpack(input).bytes.length).toBe(length)
      } catch (error) {
        expect(error).toBeInstanceOf(Error)
        expect(error).not.toBeInstanceOf(RangeError)
      }
    }),
    { numRuns: 600 },
  )
})

test('others get a turn after each mebibyte', () => {
  const body = Buffer.alloc(5 * 1024 * 1024)
  expect(unpack(packSnappy(body)).turns).toBeGreaterThanOrEqual(5)
  expect(unpack(packSnappyStream(body)).turns).toBeGreaterThanOrEqual(5)
})

describe('a stream', () => {
  const stream = packSnappyStream(BODY)
  test.each([
    [
      'with a byte that is another',
      Buffer.from(stream.map((byte, index) => (index === 40 ? byte ^ 1 : byte))),
      'checksum',
    ],
    [
      'with a chunk that may be skipped, and padding',
      Buffer.concat([stream, Buffer.from([0x80, 1, 0, 0, 7, 0xfe, 2, 0, 0, 0, 0])]),
      '',
    ],
    ['with a chunk that may not', Buffer.concat([stream, Buffer.from([0x02, 1, 0, 0, 7])]), 'type 2'],
  ])('%s', (_, input, problem) => {
    const run = () => unpackSnappy(input, BODY.length).next()
    if (problem === '') expect(Buffer.from(run().value as Uint8Array).equals(BODY)).toBe(true)
    else expect(run).toThrow(problem)
  })
})

test.each([
  ['a copy of what is before it', [5, 0x00, 0x61, 0x01, 2], 'a copy of what is not there'],
  ['a copy of what comes next', [5, 0x00, 0x61, 0x01, 0], 'a copy of what is not there'],
  ['more than it says', [4, 0x00, 0x61, 0x01, 1], 'longer than it says'],
  ['less than it says', [6, 0x00, 0x61, 0x01, 1], 'shorter than it says'],
  ['a literal that is cut', [5, 0x10, 0x61], 'ends in the middle'],
  ['a copy that is cut', [9, 0x00, 0x61, 0x1e, 1], 'ends in the middle'],
])('a block with %s', (_, bytes, problem) => {
  expect(() => unpackSnappy(Buffer.from(bytes), bytes[0]!).next()).toThrow(problem)
})
