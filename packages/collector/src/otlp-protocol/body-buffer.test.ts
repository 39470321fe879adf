import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createBudget } from '../component/index.ts'
import { BodyBuffer, freeBytes, type Holding } from './body-buffer.ts'

function holdingOf(maxBytes: number): Holding {
  const budget = createBudget(maxBytes)
  return { budget, lease: budget.take(0, 'body')! }
}

test('has what was added, in whatever pieces, and a lease for just that', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 20 }), fc.boolean(), (parts, isAnnounced) => {
      const whole = Buffer.concat(parts)
      const holding = holdingOf(1 << 20)
      const body = new BodyBuffer(isAnnounced ? whole.length : undefined, holding)
      for (const part of parts) {
        body.add(part)
        expect(holding.lease.bytes).toBeGreaterThanOrEqual(body.length)
        expect(holding.lease.bytes).toBeLessThanOrEqual(Math.max(1024, 4 * body.length))
      }
      const bytes = body.end()
      expect(Buffer.compare(Buffer.from(bytes), whole)).toBe(0)
      expect(bytes.buffer.byteLength).toBe(whole.length)
      expect(holding.lease.bytes).toBe(whole.length)
    }),
  )
})

test('an announced length costs nothing before bytes come', () => {
  const holding = holdingOf(100)
  const body = new BodyBuffer(1 << 30, holding)
  expect(holding.lease.bytes).toBe(0)
  body.add(Buffer.alloc(20))
  expect(holding.lease.bytes).toBe(80)
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

test('memory is freed at once, but not that of others', () => {
  const own = new Uint8Array(100)
  freeBytes(own)
  expect(own.length).toBe(0)
  const shared = new Uint8Array(100)
  freeBytes(shared.subarray(10))
  expect(shared.length).toBe(100)
  const body = new BodyBuffer(undefined, undefined)
  body.add(Buffer.from('x'))
  body.free()
  expect(body.end().length).toBe(0)
})
