import * as fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { createBudget } from '../component/index.ts'
import { BodyBuffer, type Holding } from './body-buffer.ts'

const MIB = 1024 * 1024

function holdingOf(maxBytes: number): Holding {
  const budget = createBudget(maxBytes)
  return { budget, lease: budget.take(0, 'body')! }
}

/** Adds them all. Looks on the way at what the lease is for. */
async function put(parts: readonly Uint8Array[], announced: number | undefined, holding: Holding): Promise<void> {
  const whole = Buffer.concat(parts)
  const body = new BodyBuffer(announced, holding)
  for (const part of parts) {
    body.add(part)
    const { bytes } = holding.lease
    expect(bytes).toBeGreaterThanOrEqual(body.length)
    expect(bytes).toBeLessThanOrEqual(Math.max(1024, 4 * body.length))
    expect(bytes - body.length).toBeLessThanOrEqual(MIB)
  }
  const bytes = await body.end()
  expect(Buffer.compare(Buffer.from(bytes), whole)).toBe(0)
  expect(bytes.buffer.byteLength).toBe(whole.length)
  expect(holding.lease.bytes).toBe(whole.length)
}

test('has what was added, in whatever pieces, and a lease for just that', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 20 }),
      fc.boolean(),
      async (parts, isAnnounced) => {
        const announced = isAnnounced ? parts.reduce((sum, part) => sum + part.length, 0) : undefined
        await put(parts, announced, holdingOf(MIB))
      },
    ),
  )
})

test.each([undefined, 10 * MIB])('a large one is leased a piece at a time (announced: %s)', async (announced) => {
  const parts = Array.from({ length: 160 }, (_, index) => Buffer.alloc(65_536, index))
  await put(parts, announced, holdingOf(11 * MIB))
})

test('is not reclaimed any more once it is whole', () => {
  let reclaimed = 0
  const budget = createBudget(100)
  const lease = budget.take(0, 'body', () => reclaimed++)!
  const body = new BodyBuffer(20, { budget, lease })
  body.add(Buffer.alloc(20))
  vi.useFakeTimers({ toFake: ['performance'] })
  vi.advanceTimersByTime(100_000)
  void body.end()
  expect(budget.take(81, 'body')).toBeUndefined()
  expect([reclaimed, lease.bytes]).toEqual([0, 20])
  vi.useRealTimers()
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

test('is empty once it was freed', async () => {
  const body = new BodyBuffer(undefined, undefined)
  body.add(Buffer.from('x'))
  body.free()
  expect((await body.end()).length).toBe(0)
})
