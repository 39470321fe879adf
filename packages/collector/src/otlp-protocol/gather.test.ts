import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { freeBody, freeBytes, gather, SLICE_BYTES } from './gather.ts'

function piecesOf(count: number, bytes: number): Buffer[] {
  return Array.from({ length: count }, (_, index) => Buffer.allocUnsafeSlow(bytes).fill(index))
}

test('pieces become one, and their memory is free at once', async () => {
  const pieces = piecesOf(3, 10_000)
  const expected = Buffer.concat(pieces).subarray(0, 25_000)
  const whole = await gather(pieces, 25_000)
  expect(expected.equals(whole)).toBe(true)
  expect(whole.buffer.byteLength).toBe(25_000)
  expect(pieces.map(({ length }) => length)).toEqual([0, 0, 0])
})

test('many are moved a slice at a time, between which others have their turn', async () => {
  const slices = 5
  const pieces = piecesOf((slices * SLICE_BYTES) / 1024 / 256, 256 * 1024)
  const bytesOf = (): number => pieces.reduce((sum, piece) => sum + piece.length, 0)
  const before = [bytesOf()]
  const gathering = Promise.resolve(gather(pieces, bytesOf()))
  while (before.at(-1)! > 0) {
    before.push(bytesOf())
    await setImmediate()
  }
  const moved = before.slice(1).map((bytes, index) => before[index]! - bytes)
  expect(Math.max(...moved)).toBe(SLICE_BYTES)
  expect(moved.filter((bytes) => bytes > 0)).toHaveLength(slices)
  const whole = await gathering
  expect(whole.length).toBe(slices * SLICE_BYTES)
  expect(whole.every((byte, index) => byte === (index >> 18) % 256)).toBe(true)
})

test('memory is freed at once, but not that of others', () => {
  const own = new Uint8Array(100)
  freeBytes(own)
  expect(own.length).toBe(0)
  const shared = new Uint8Array(100)
  freeBytes(shared.subarray(10))
  freeBody(shared.subarray(10))
  expect(shared.length).toBe(100)
  const body = Buffer.allocUnsafeSlow(100_001).subarray(0, 100_000)
  freeBytes(body)
  expect(body.length).toBe(100_000)
  freeBody(body)
  expect(body.length).toBe(0)
})
