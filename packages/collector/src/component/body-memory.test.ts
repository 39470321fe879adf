import { expect, test } from 'vitest'
import { adoptBody, allocateMapped, freeBody, freeBytes, unusedBytes } from './body-memory.ts'

const MIB = 1024 * 1024

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

test('of a mapped buffer no more is known than what is used', () => {
  const before = unusedBytes()
  const { buffer, usage } = allocateMapped(20 * MIB)
  expect(buffer.length).toBeGreaterThan(32 * MIB)
  usage.bytes = 20 * MIB
  expect(unusedBytes() - before).toBe(buffer.length - 20 * MIB)
  freeBytes(buffer)
  expect(unusedBytes()).toBe(before)
})

test('one that was moved to another thread is not known here any more', () => {
  const before = unusedBytes()
  const { buffer } = allocateMapped(40 * MIB)
  structuredClone(buffer, { transfer: [buffer.buffer as ArrayBuffer] })
  expect(unusedBytes()).toBe(before)
})

test('one that comes back from another thread is known again', () => {
  const before = unusedBytes()
  const { buffer } = allocateMapped(40 * MIB)
  const back = structuredClone(buffer.subarray(0, 30 * MIB), { transfer: [buffer.buffer as ArrayBuffer] })
  adoptBody(back)
  expect(unusedBytes() - before).toBe(back.buffer.byteLength - 30 * MIB)
  const small = new Uint8Array(MIB).subarray(10)
  adoptBody(small)
  freeBody(back)
  expect(unusedBytes()).toBe(before)
})
