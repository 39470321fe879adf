import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { tracesRequest } from '../testkit/index.ts'
import { packSnappy, packSnappyStream } from './snappy-encode.ts'
import { snappyLength, unpackSnappy } from './snappy.ts'

const FORMS = [
  ['a block', packSnappy],
  ['a stream', packSnappyStream],
] as const

function run(work: Generator<void, Uint8Array, void>): { bytes: Buffer; turns: number } {
  for (let turns = 1; ; turns++) {
    const { done, value } = work.next()
    if (done) return { bytes: Buffer.from(value), turns }
  }
}

function unpack(packed: Uint8Array): Buffer {
  return run(unpackSnappy(packed, snappyLength(packed)!)).bytes
}

const randoms = (bytes: number): Buffer =>
  Buffer.from(Array.from({ length: bytes }, (_, index) => (Math.imul(index, 2654435761) >>> 13) & 0xff))

describe.each(FORMS)('%s', (_, pack) => {
  test('any bytes come out as they went in', () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.tuple(fc.nat(255), fc.nat(70_000)).map(([byte, length]) => new Uint8Array(length).fill(byte)),
      fc.nat(70_000).map(randoms),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 4 }), (pieces) => {
        const body = Buffer.concat([...pieces, ...pieces])
        expect(unpack(run(pack(body)).bytes).equals(body)).toBe(true)
      }),
      { numRuns: 50 },
    )
  })

  test('traces shrink', () => {
    const body = tracesRequest({ spans: 400 })
    const { bytes } = run(pack(body))
    expect(bytes.length).toBeLessThan(body.length / 2)
    expect(unpack(bytes).equals(body)).toBe(true)
  })

  test('what does not shrink hardly grows', () => {
    const body = randoms(200_000)
    expect(run(pack(body)).bytes.length).toBeLessThan(body.length + 100)
  })

  test('others get a turn after each megabyte', () => {
    expect(run(pack(new Uint8Array(5 * 1024 * 1024 + 1))).turns).toBe(6)
  })
})

test('a stream of nothing is its beginning, a block is its length', () => {
  expect(run(packSnappyStream(new Uint8Array())).bytes.toString('hex')).toBe('ff060000734e61507059')
  expect(run(packSnappy(new Uint8Array())).bytes.toString('hex')).toBe('00')
})
