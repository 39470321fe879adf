import * as fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { createBudget, freeBody, unusedBytes } from '../component/index.ts'
import { BodyBuffer, type Holding } from './body-buffer.ts'

const MIB = 1024 * 1024

function holdingOf(maxBytes: number): Holding {
  const budget = createBudget(maxBytes)
  return { budget, lease: budget.take(0, 'body')! }
}

/** Adds them all, and looks on the way at what the lease is for. */
function put(parts: readonly Uint8Array[], announced: number | undefined, holding: Holding): Uint8Array {
  const body = new BodyBuffer(announced, holding)
  for (const part of parts) {
    body.add(part)
    const { bytes } = holding.lease
    expect(bytes).toBeGreaterThanOrEqual(body.length)
    expect(bytes).toBeLessThanOrEqual(body.length + Math.min(Math.max(body.length, 1024), MIB))
  }
  const bytes = body.end()
  expect(Buffer.concat(parts).equals(bytes)).toBe(true)
  expect(holding.lease.bytes).toBe(bytes.length)
  return bytes
}

test('has what was added, in whatever pieces, and a lease for just that', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 20 }), fc.boolean(), (parts, isAnnounced) => {
      const length = parts.reduce((sum, part) => sum + part.length, 0)
      const bytes = put(parts, isAnnounced ? length : undefined, holdingOf(MIB))
      expect(bytes.buffer.byteLength).toBe(length)
    }),
  )
})

test.each([undefined, 10 * MIB, 40 * MIB])('a large one is mapped, and free at once (announced: %s)', (announced) => {
  const before = unusedBytes()
  const parts = Array.from({ length: (announced ?? 40 * MIB) / 65_536 }, (_, index) => Buffer.alloc(65_536, index))
  const bytes = put(parts, announced, holdingOf(50 * MIB))
  const { byteLength } = bytes.buffer
  expect(byteLength).toBeGreaterThan(32 * MIB)
  expect(unusedBytes() - before).toBe(byteLength - bytes.length)
  freeBody(bytes)
  expect(bytes.length).toBe(0)
  expect(unusedBytes()).toBe(before)
})

test('a large one is copied once', () => {
  const set = vi.spyOn(Uint8Array.prototype, 'set')
  put(
    Array.from({ length: 160 }, () => Buffer.alloc(65_536)),
    10 * MIB,
    holdingOf(11 * MIB),
  )
  const copied = set.mock.calls.reduce((sum, [from]) => sum + from.length, 0)
  set.mockRestore()
  // Beside what arrived, what was there when the buffer grew.
  expect(copied).toBeGreaterThanOrEqual(10 * MIB)
  expect(copied).toBeLessThan(12 * MIB)
})

test('an announced length costs nothing before bytes come', () => {
  const holding = holdingOf(2000)
  const body = new BodyBuffer(1 << 30, holding)
  expect(holding.lease.bytes).toBe(0)
  body.add(Buffer.alloc(20))
  expect(holding.lease.bytes).toBe(20 + 1024)
})

describe('beyond the budget', () => {
  test('says to come again', () => {
    const body = new BodyBuffer(90, holdingOf(100))
    body.add(Buffer.alloc(20))
    expect(() => new BodyBuffer(90, holdingOf(10)).add(Buffer.alloc(20))).toThrow('send smaller batches')
    const holding = holdingOf(100)
    holding.budget.take(90, 'body')
    expect(() => new BodyBuffer(90, holding).add(Buffer.alloc(20))).toThrow(
      expect.objectContaining({ code: 'overloaded', retryable: true }),
    )
    expect(holding.lease.bytes).toBe(0)
  })
})

test('is empty once it was freed', () => {
  const body = new BodyBuffer(undefined, undefined)
  body.add(Buffer.from('x'))
  body.free()
  expect(body.end().length).toBe(0)
})
