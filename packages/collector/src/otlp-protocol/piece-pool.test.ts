import { expect, test } from 'vitest'
import { unusedBytes } from '../component/index.ts'
import { givePiece, PIECE_BYTES, takePiece } from './piece-pool.ts'

test('pieces share nothing, are used again, and their memory is free when the last one is back', () => {
  const before = unusedBytes()
  const pieces = Array.from({ length: 600 }, takePiece)
  for (const [index, piece] of pieces.entries()) piece.fill(index)
  expect(
    pieces.every((piece, index) => piece.length === PIECE_BYTES && piece.every((byte) => byte === index % 256)),
  ).toBe(true)
  const buffers = new Set(pieces.map(({ buffer }) => buffer))
  expect(buffers.size).toBe(2)
  expect(unusedBytes() - before).toBeLessThan(64 * 1024 * 1024 + 10_000 - 600 * PIECE_BYTES)
  for (let i = 0; i < 50; i++) {
    givePiece(pieces.pop()!)
    pieces.push(takePiece())
  }
  expect(new Set(pieces.map(({ buffer }) => buffer))).toEqual(buffers)
  for (const piece of pieces) givePiece(piece)
  expect([...buffers].map(({ byteLength }) => byteLength)).toEqual([0, 0])
  expect(unusedBytes()).toBe(before)
})

test('where few are needed at a time, they are the same ones', () => {
  const places = new Set<string>()
  for (let i = 0; i < 100; i++) {
    const pieces = Array.from({ length: 8 }, takePiece)
    for (const { byteOffset } of pieces) places.add(`${byteOffset}`)
    const buffers = new Set(pieces.map(({ buffer }) => buffer))
    expect(buffers.size).toBe(1)
    for (const piece of pieces) givePiece(piece)
    expect([...buffers][0]!.byteLength).toBeGreaterThan(0)
  }
  expect(places.size).toBe(8)
})
